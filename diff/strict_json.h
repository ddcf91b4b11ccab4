// JSON documents read strictly: what may be said once is not said twice, and nothing is skipped.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "diff/request_fields.h"

namespace mmuref::diff {

/// A document that does not have the form it must; `what()` names the place and what was expected.
/// One line, whatever it quotes of the input.
class FormError : public std::runtime_error {
 public:
  explicit FormError(const std::string& message);
};

/// What a text holds. With an error the value means nothing.
struct Document {
  nlohmann::json value;
  nlohmann::json id;  ///< the outermost object's "id" if it is a string or an integer, else null
  std::string error;  ///< the first thing wrong; empty when the text can be read
};

/// Parses one JSON value; nothing may follow but white space. A field given twice is an error, and
/// so is nesting deeper than any form of ours.
Document parse_document(std::string_view text);

/// A JSON value as fields are read from (request_fields.h).
Value value_of(const nlohmann::json& value);

/// The fields of one object, each asked for by name; what nobody asked for is an error at the end.
class ObjectReader {
 public:
  /// `place` names the object in errors; empty for a whole document. Both must outlive the reader.
  /// Throws FormError when `value` is no object.
  ObjectReader(const nlohmann::json& value, std::string_view place);

  /// Null when the field is absent.
  const nlohmann::json* find(std::string_view name);
  /// Throws FormError when the field is absent.
  const nlohmann::json& get(std::string_view name);

  /// `read(value)` of a field, which may throw Unexpected. Throws FormError.
  template <class Read>
  auto read(std::string_view name, Read&& read) {
    try {
      return read(value_of(get(name)));
    } catch (const Unexpected& expected) {
      fail(std::string(name), std::string("expected ") + expected.what());
    }
  }
  Word word(std::string_view name) { return read(name, read_word); }

  /// Throws FormError: `what` is wrong with the field.
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;

  /// Throws FormError if there is a field that was not asked for.
  void finish() const;

 private:
  const nlohmann::json& object_;
  std::string_view place_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace mmuref::diff
