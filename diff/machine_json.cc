#include "diff/machine_json.h"

#include <fmt/format.h>

#include <bitset>

#include "diff/request_fields.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

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

  /// Says the cause first: what a message quotes of the input behind it may be long and is cut.
  void fail(const std::string& message) {
    if (error_.empty()) error_ = message.substr(0, 200);
  }

  /// The request, once the document has ended. Throws RequestError.
  Request finish();

 private:
  static constexpr std::size_t no_field = field_count;

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
  std::bitset<field_count> seen_;
  Word address_ = 0;  // of the current unit of "mem"
  std::vector<Memory::Entry> units_;
};

bool Reader::key(const std::string& name) {
  if (depth_ == 1) {
    // Fields mostly come in the table's order: look behind the previous one first.
    const std::size_t start = field_ == no_field ? 0 : field_ + 1;
    for (std::size_t i = 0; i < field_count; ++i) {
      field_ = (start + i) % field_count;
      if (request_fields[field_].name == name) {
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
      request_fields[field_].read(request_, v);
    } else if (depth_ == 2 && in_memory_) {
      units_.emplace_back(address_, read_word(v));
    }
  } catch (const Unexpected& expected) {
    fail(fmt::format("{}{}: expected {}", request_fields[field_].name,
                     in_memory_ ? fmt::format("[{:#x}]", address_) : "", expected.what()));
  }
  return true;
}

/// Sorts before writing, so that a long list in a bad order costs no more than a good one. A walk
/// forms no address of MAXPHYADDR bits or more (SDM vol. 3, 4.5.4), so units there are dropped: the
/// caller may have followed an entry whose reserved address bits are set, and no oracle has them.
void Reader::take_memory() {
  std::sort(units_.begin(), units_.end());
  Memory& memory = request_.question.machine.memory;
  const Word limit = Word{1} << request_.question.machine.cpu.maxphyaddr;
  const Memory::Entry* previous = nullptr;
  for (const Memory::Entry& unit : units_) {
    if (previous != nullptr && previous->first == unit.first) {
      fail(fmt::format("mem: {:#x} given twice", unit.first));
    }
    if (unit.first < limit) memory.write(unit.first, unit.second);
    previous = &unit;
  }
}

void Reader::check() {
  for (std::size_t i = 0; i < field_count; ++i) {
    if (request_fields[i].presence == Presence::required && !seen_[i]) {
      fail(fmt::format("{}: missing", request_fields[i].name));
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
  for (const Field& field : request_fields) {
    ordered_json value = field.write(request);
    if (field.presence == Presence::optional && value == field.write(defaults)) continue;
    document[std::string(field.name)] = std::move(value);
  }
  return document;
}

}  // namespace mmuref::diff
