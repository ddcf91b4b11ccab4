#include "diff/request_fields.h"

#include <fmt/format.h>

#include <charconv>

#include "diff/text.h"

namespace mmuref::diff {

using nlohmann::ordered_json;

bool read_hex(std::string_view text, Word& value) {
  if (text.size() < 3 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 2, end, value, 16);
  return error == std::errc{} && stop == end;
}

namespace {

using enum Presence;

constexpr const char* a_word = R"(a number below 2^64, as a hex string such as "0x1f")";
constexpr const char* a_key_register = R"(a number below 2^32, as a hex string such as "0x1f")";

Word read_number(const Value& value, Word min, Word max, const char* expected) {
  Word number = 0;
  if (const auto* integer = std::get_if<std::uint64_t>(&value)) {
    number = *integer;
  } else if (const auto* text = std::get_if<std::string_view>(&value);
             text == nullptr || !read_hex(*text, number)) {
    throw Unexpected(expected);
  }
  if (number < min || number > max) throw Unexpected(expected);
  return number;
}

bool read_bool(const Value& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  throw Unexpected("true or false");
}

// Where a field lies in a case, by the member that holds it.
template <class C, class T>
constexpr auto& place(C& c, T Registers::*member) {
  return c.machine.registers.*member;
}
template <class C, class T>
constexpr auto& place(C& c, T Processor::*member) {
  return c.machine.cpu.*member;
}
template <class C, class T>
constexpr auto& place(C& c, T Access::*member) {
  return c.access.*member;
}

template <auto member>
constexpr Field word(std::string_view name) {
  return {name, required,
          [](Request& r, const Value& v) { place(r.question, member) = read_word(v); },
          [](const Request& r) -> ordered_json { return hex(place(r.question, member)); }};
}

template <auto member>
constexpr Field key_register(std::string_view name, Presence presence) {
  return {name, presence,
          [](Request& r, const Value& v) {
            place(r.question, member) = read_number(v, 0, bits(31, 0), a_key_register);
          },
          [](const Request& r) -> ordered_json { return hex(place(r.question, member)); }};
}

template <auto member>
constexpr Field flag(std::string_view name, Presence presence) {
  return {name, presence,
          [](Request& r, const Value& v) { place(r.question, member) = read_bool(v); },
          [](const Request& r) -> ordered_json { return place(r.question, member); }};
}

void read_id(Request& r, const Value& v) {
  if (const auto* text = std::get_if<std::string_view>(&v)) {
    r.id = *text;
  } else if (const auto* natural = std::get_if<std::uint64_t>(&v)) {
    r.id = *natural;
  } else if (const auto* integer = std::get_if<std::int64_t>(&v)) {
    r.id = *integer;
  } else {
    throw Unexpected("a string or an integer");
  }
}

void read_maxphyaddr(Request& r, const Value& v) {
  r.question.machine.cpu.maxphyaddr =
      read_number(v, x86::min_maxphyaddr, x86::max_maxphyaddr, "an integer 32 to 52");
}

void read_access(Request& r, const Value& v) {
  const auto* kind = std::get_if<std::string_view>(&v);
  if (kind == nullptr || (*kind != "read" && *kind != "write" && *kind != "fetch")) {
    throw Unexpected(R"("read", "write" or "fetch")");
  }
  r.question.access.write = *kind == "write";
  r.question.access.fetch = *kind == "fetch";
}

void read_cpl(Request& r, const Value& v) {
  r.question.access.cpl3 = read_number(v, 0, 3, "an integer 0 to 3") == 3;
}

void read_mem(Request&, const Value&) {
  throw Unexpected("an object of addresses and values");
}

ordered_json write_id(const Request& r) {
  return r.id;
}
ordered_json write_maxphyaddr(const Request& r) {
  return r.question.machine.cpu.maxphyaddr;
}
ordered_json write_vendor(const Request& r) {
  return r.question.machine.cpu.amd ? "amd" : "intel";
}
ordered_json write_cpl(const Request& r) {
  return r.question.access.cpl3 ? 3 : 0;
}
ordered_json write_access(const Request& r) {
  return r.question.access.write ? "write" : r.question.access.fetch ? "fetch" : "read";
}

void read_vendor(Request& r, const Value& v) {
  const auto* vendor = std::get_if<std::string_view>(&v);
  if (vendor == nullptr || (*vendor != "intel" && *vendor != "amd")) {
    throw Unexpected(R"("intel" or "amd")");
  }
  r.question.machine.cpu.amd = *vendor == "amd";
}

ordered_json write_mem(const Request& r) {
  ordered_json object = ordered_json::object();
  for (const auto& [address, value] : r.question.machine.memory) object[hex(address)] = hex(value);
  return object;
}

}  // namespace

Word read_word(const Value& value) {
  return read_number(value, 0, ~Word{0}, a_word);
}

const std::array<Field, field_count> request_fields{
    Field{"id", required, read_id, write_id},
    Field{"maxphyaddr", required, read_maxphyaddr, write_maxphyaddr},
    flag<&Processor::page1gb>("page1gb", required),
    Field{"vendor", optional, read_vendor, write_vendor},
    word<&Registers::cr0>("cr0"),
    word<&Registers::cr3>("cr3"),
    word<&Registers::cr4>("cr4"),
    word<&Registers::efer>("efer"),
    key_register<&Registers::pkru>("pkru", required),
    key_register<&Registers::pkrs>("pkrs", optional),
    Field{"cpl", required, read_cpl, write_cpl},
    flag<&Access::ac>("ac", required),
    flag<&Access::implicit>("implicit", optional),
    flag<&Access::stack>("stack", optional),
    Field{"access", required, read_access, write_access},
    word<&Access::va>("va"),
    Field{"mem", required, read_mem, write_mem},
};

}  // namespace mmuref::diff
