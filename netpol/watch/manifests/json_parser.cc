#include "netpol/watch/manifests/json_parser.h"

#include <cstdint>
#include <exception>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using Json = nlohmann::json;

// How far the parser has read, and where the last thing that is no blank
// stands: a parser looks one character past the end of a number.
struct Cursor {
  absl::string_view text;
  size_t offset = 0;
  Position next;
  Position solid;

  void Advance() {
    const char c = text[offset++];
    if (c == '\n') {
      next = {next.line + 1, 1};
      return;
    }
    if (c != ' ' && c != '\t' && c != '\r') solid = next;
    ++next.column;
  }
};

// Input iterator over a shared Cursor.
class CursorIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit CursorIterator(Cursor* cursor) : cursor_(cursor) {}

  reference operator*() const { return cursor_->text[cursor_->offset]; }
  CursorIterator& operator++() {
    cursor_->Advance();
    return *this;
  }
  // Either "not at the end" against the end (no cursor), or never asked.
  friend bool operator==(const CursorIterator& a, const CursorIterator& b) {
    return a.AtEnd() == b.AtEnd();
  }
  friend bool operator!=(const CursorIterator& a, const CursorIterator& b) {
    return !(a == b);
  }

 private:
  bool AtEnd() const {
    return cursor_ == nullptr || cursor_->offset == cursor_->text.size();
  }
  Cursor* cursor_;
};

// Feeds the parser's events into a TreeBuilder; false stops the parser.
class TreeSax : public Json::json_sax_t {
 public:
  TreeSax(const Cursor* cursor, TreeBuilder* builder)
      : cursor_(*cursor), builder_(*builder) {}

  bool null() override { return Add(TreeNode()); }
  bool boolean(bool value) override {
    TreeNode node;
    node.kind = TreeNode::Kind::kBool;
    node.boolean = value;
    node.text = value ? "true" : "false";
    return Add(std::move(node));
  }
  bool number_integer(number_integer_t value) override {
    TreeNode node;
    node.kind = TreeNode::Kind::kInt;
    node.integer = value;
    node.text = absl::StrCat(value);
    return Add(std::move(node));
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto kMax = std::numeric_limits<int64_t>::max();
    if (value > static_cast<uint64_t>(kMax)) {
      return number_float(static_cast<double>(value), absl::StrCat(value));
    }
    return number_integer(static_cast<int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    TreeNode node;
    node.kind = TreeNode::Kind::kFloat;
    node.number = value;
    node.text = text;
    return Add(std::move(node));
  }
  bool string(string_t& value) override {
    TreeNode node;
    node.kind = TreeNode::Kind::kString;
    node.text = std::move(value);
    return Add(std::move(node));
  }
  bool key(string_t& value) override { return string(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    builder_.Open(TreeNode::Kind::kMap, cursor_.solid);
    return !builder_.failed();
  }
  bool start_array(std::size_t) override {
    builder_.Open(TreeNode::Kind::kList, cursor_.solid);
    return !builder_.failed();
  }
  bool end_object() override { return end_array(); }
  bool end_array() override {
    builder_.Close();
    return !builder_.failed();
  }
  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::detail::exception&) override {
    builder_.Fail(cursor_.solid,
                  absl::StrCat("not valid JSON at \"", token, "\""));
    return false;
  }

 private:
  bool Add(TreeNode node) {
    node.position = cursor_.solid;
    builder_.AddScalar(std::move(node));
    return !builder_.failed();
  }

  const Cursor& cursor_;
  TreeBuilder& builder_;
};

}  // namespace

absl::optional<DocumentFault> ParseJson(absl::string_view text, Position start,
                                        std::unique_ptr<DocumentTree>* tree,
                                        size_t* length) {
  Cursor cursor{text, 0, start, start};
  TreeBuilder builder;
  TreeSax sax(&cursor, &builder);
  try {
    // Not strict: the parser stops behind the first value.
    if (!Json::sax_parse(CursorIterator(&cursor), CursorIterator(nullptr), &sax,
                         Json::input_format_t::json, /*strict=*/false)) {
      builder.Fail(cursor.solid, "not valid JSON");
    }
  } catch (const std::exception& e) {
    builder.Fail(cursor.solid, absl::StrCat("not valid JSON: ", e.what()));
  }
  *length = cursor.offset;
  return builder.Finish(tree);
}

}  // namespace netpol
