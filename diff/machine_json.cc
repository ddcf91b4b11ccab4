#include "diff/machine_json.h"

#include <fmt/format.h>

#include <array>
#include <bitset>
#include <charconv>
#include <variant>

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// A JSON value as far as the contract tells values apart; all others are the first alternative.
using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string_view>;

/// What a field expected, where something else was found.
class Unexpected : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string hex(Word value) {
  return fmt::format("{:#x}", value);
}

bool read_hex(std::string_view text, Word& value) {
  if (text.size() < 3 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 2, end, value, 16);
  return error == std::errc{} && stop == end;
}

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

constexpr const char* hex_expected = R"(a number below 2^64, as a hex string such as "0x1f")";

enum class Presence : bool { required, optional };
using enum Presence;

/// The contract, one field a row. Both forms of input are read through this table, and cases are
/// written through it.
struct Field {
  std::string_view name;
  Presence presence;
  void (*read)(Request&, const Value&);
  ordered_json (*write)(const Request&);
};

/// A field that holds the 64-bit word, or the Boolean, that `place` finds in a case.
template <auto place>
constexpr Field word(std::string_view name) {
  return {name, required,
          [](Request& r, const Value& v) {
            place(r.question) = read_number(v, 0, ~Word{0}, hex_expected);
          },
          [](const Request& r) -> ordered_json { return hex(place(r.question)); }};
}

template <auto place>
constexpr Field key_register(std::string_view name, Presence presence) {
  return {name, presence,
          [](Request& r, const Value& v) {
            place(r.question) = read_number(
                v, 0, bits(31, 0), R"(a number below 2^32, as a hex string such as "0x1f")");
          },
          [](const Request& r) -> ordered_json { return hex(place(r.question)); }};
}

template <auto place>
constexpr Field flag(std::string_view name, Presence presence) {
  return {name, presence, [](Request& r, const Value& v) { place(r.question) = read_bool(v); },
          [](const Request& r) -> ordered_json { return place(r.question); }};
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

ordered_json write_memory(const Request& r) {
  ordered_json object = ordered_json::object();
  for (const auto& [address, value] : r.question.machine.memory) object[hex(address)] = hex(value);
  return object;
}

constexpr std::array fields{
    Field{"id", required, read_id, [](const Request& r) -> ordered_json { return r.id; }},
    Field{"maxphyaddr", required, read_maxphyaddr,
          [](const Request& r) -> ordered_json { return r.question.machine.cpu.maxphyaddr; }},
    flag < [](auto& c) -> auto& {return c.machine.cpu.page1gb;
}  // namespace
> ("page1gb", required),
    Field{"vendor", optional, read_vendor,
          [](const Request& r) -> ordered_json {
            return r.question.machine.cpu.amd ? "amd" : "intel";
          }},
    word < [](auto& c) -> auto& {
  return c.machine.registers.cr0;
}
> ("cr0"), word < [](auto& c) -> auto& {
  return c.machine.registers.cr3;
}
> ("cr3"), word < [](auto& c) -> auto& {
  return c.machine.registers.cr4;
}
> ("cr4"), word < [](auto& c) -> auto& {
  return c.machine.registers.efer;
}
> ("efer"), key_register < [](auto& c) -> auto& {
  return c.machine.registers.pkru;
}
> ("pkru", required), key_register < [](auto& c) -> auto& {
  return c.machine.registers.pkrs;
}
> ("pkrs", optional),
    Field{"cpl", required,
          [](Request& r, const Value& v) {
            r.question.access.cpl3 = read_number(v, 0, 3, "an integer 0 to 3") == 3;
          },
          [](const Request& r) -> ordered_json { return r.question.access.cpl3 ? 3 : 0; }},
    flag < [](auto& c) -> auto& {
  return c.access.ac;
}
> ("ac", required), flag < [](auto& c) -> auto& {
  return c.access.implicit;
}
> ("implicit", optional), flag < [](auto& c) -> auto& {
  return c.access.stack;
}
> ("stack", optional), Field{"access", required, read_access, write_access}, word < [
](auto& c) -> auto& {
  return c.access.va;
}
> ("va"),
    Field{"mem", required,
          [](Request&, const Value&) { throw Unexpected("an object of addresses and values"); },
          write_memory},
};  // namespace mmuref::diff
constexpr std::size_t mem_field = fields.size() - 1;

/// Takes a document as the events of a SAX parser and makes a request of it. The first error is
/// kept and reading goes on, so that an id behind it is still found.
class Reader {
 public:
  // The events of nlohmann::json::sax_parse.
  bool null() { return value({}); }
  bool boolean(bool b) { return value(b); }
  bool number_integer(std::int64_t i) {
    return i < 0 ? value(i) : value(static_cast<std::uint64_t>(i));
  }
  bool number_unsigned(std::uint64_t u) { return value(u); }
  bool number_float(double, const std::string&) { return value({}); }
  bool string(const std::string& s) { return value(std::string_view(s)); }
  bool binary(const json::binary_t&) { return value({}); }
  bool start_object(std::size_t) {
    if (depth_ == 1 && field_ == mem_field) {
      in_memory_ = true;
    } else if (depth_ != 0) {
      value({});
    }
    ++depth_;
    return true;
  }
  bool start_array(std::size_t) {
    value({});
    ++depth_;
    return true;
  }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(const std::string& name);
  bool parse_error(std::size_t position, const std::string&, const json::exception& e) {
    // "[name] parse error at line L, column C: what": the line is always the first.
    const std::string_view message = e.what();
    const auto place = message.find(": ");
    const auto what = place == message.npos ? message.find("] ") : place;
    fail(fmt::format("column {}: {}", position, message.substr(what + 2)));
    return false;
  }

  void fail(const std::string& message) {
    if (error_.empty()) error_ = message;
  }

  /// The request, once the document has ended. Throws RequestError.
  Request finish();

 private:
  static constexpr std::size_t no_field = fields.size();

  bool value(const Value& v);
  bool end() {
    if (--depth_ == 1) in_memory_ = false;
    return true;
  }
  void check();
  void take_memory();

  Request request_;
  std::string error_;
  int depth_ = 0;           // 1 in the request, 2 in "mem" or in something refused
  bool in_memory_ = false;  // the object at depth 2 is "mem"
  std::size_t field_ = no_field;
  std::bitset<fields.size()> seen_;
  Word address_ = 0;  // of the current unit of "mem"
  std::vector<Memory::Entry> units_;
};

bool Reader::key(const std::string& name) {
  if (depth_ == 1) {
    // Fields mostly come in the table's order: look behind the previous one first.
    const std::size_t start = field_ == no_field ? 0 : field_ + 1;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      field_ = (start + i) % fields.size();
      if (fields[field_].name == name) {
        if (seen_[field_]) fail(fmt::format("{}: given twice", name));
        seen_.set(field_);
        return true;
      }
    }
    field_ = no_field;
    fail(fmt::format("unknown field \"{:.40}\"", name));
  } else if (depth_ == 2 && in_memory_) {
    if (!read_hex(name, address_) || address_ % 8 != 0) {
      fail(
          fmt::format("mem: \"{:.40}\" is not an 8-byte aligned physical address such as "
                      "\"0x1f8\"",
                      name));
    }
  }
  return true;
}

bool Reader::value(const Value& v) {
  try {
    if (depth_ == 0) {
      fail("expected an object");
    } else if (depth_ == 1 && field_ != no_field) {
      fields[field_].read(request_, v);
    } else if (depth_ == 2 && in_memory_) {
      units_.emplace_back(address_, read_number(v, 0, ~Word{0}, hex_expected));
    }
  } catch (const Unexpected& expected) {
    fail(fmt::format("{}{}: expected {}", fields[field_].name,
                     in_memory_ ? fmt::format("[{:#x}]", address_) : "", expected.what()));
  }
  return true;
}

/// Sorts before writing, so that a long list in a bad order costs no more than a good one.
void Reader::take_memory() {
  std::sort(units_.begin(), units_.end());
  Memory& memory = request_.question.machine.memory;
  const Word limit = Word{1} << request_.question.machine.cpu.maxphyaddr;
  for (const auto& [address, value] : units_) {
    if (address >= limit) {
      fail(fmt::format("mem: {:#x} is not below 2^maxphyaddr", address));
    }
    const std::size_t before = memory.size();
    memory.write(address, value);
    if (memory.size() == before) fail(fmt::format("mem: {:#x} given twice", address));
  }
}

void Reader::check() {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].presence == required && !seen_[i]) {
      fail(fmt::format("{}: missing", fields[i].name));
    }
  }
  if (!x86::ia32e_paging(request_.question.machine.registers)) {
    fail(
        "registers: only IA-32e paging is modelled: expected CR0.PG=1, CR0.PE=1, CR4.PAE=1 and "
        "EFER.LME=1");
  }
}

Request Reader::finish() {
  if (error_.empty()) check();
  if (error_.empty()) take_memory();
  if (!error_.empty()) throw RequestError(std::move(request_.id), error_);
  return std::move(request_);
}

/// Replays one value as the events a parser would give; what lies deeper than "mem" is refused
/// whole, so it needs no events of its own.
void replay(const json& value, Reader& reader) {
  switch (value.type()) {
    case json::value_t::boolean: reader.boolean(value.get<bool>()); break;
    case json::value_t::number_integer: reader.number_integer(value.get<std::int64_t>()); break;
    case json::value_t::number_unsigned: reader.number_unsigned(value.get<std::uint64_t>()); break;
    case json::value_t::string: reader.string(value.get_ref<const std::string&>()); break;
    default: reader.null(); break;
  }
}

}  // namespace

Request parse_request(std::string_view text) {
  Reader reader;
  // The parser takes a NUL byte for the end of its input.
  if (text.find('\0') != text.npos) {
    reader.fail("a NUL byte where JSON text was expected");
  }
  json::sax_parse(text.begin(), text.end(), &reader);
  return reader.finish();
}

Request read_request(const json& document) {
  Reader reader;
  if (!document.is_object()) {
    replay(document, reader);
    return reader.finish();
  }
  reader.start_object(document.size());
  for (const auto& [name, field] : document.items()) {
    reader.key(name);
    if (!field.is_object()) {
      replay(field, reader);
      continue;
    }
    reader.start_object(field.size());
    for (const auto& [address, value] : field.items()) {
      reader.key(address);
      replay(value, reader);
    }
    reader.end_object();
  }
  reader.end_object();
  return reader.finish();
}

ordered_json to_json(const Request& request) {
  static const Request defaults;
  ordered_json document;
  for (const Field& field : fields) {
    ordered_json value = field.write(request);
    if (field.presence == optional && value == field.write(defaults)) continue;
    document[std::string(field.name)] = std::move(value);
  }
  return document;
}

}  // namespace mmuref::diff
