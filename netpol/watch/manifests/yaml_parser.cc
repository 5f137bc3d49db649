#include "netpol/watch/manifests/yaml_parser.h"

#include <cmath>
#include <exception>
#include <limits>
#include <sstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace netpol {
namespace {

constexpr absl::string_view kYamlTag = "tag:yaml.org,2002:";

// Feeds the parser's events into a TreeBuilder.
class TreeHandler : public YAML::EventHandler {
 public:
  TreeHandler(int first_line, TreeBuilder* builder)
      : first_line_(first_line), builder_(*builder) {}

  Position At(const YAML::Mark& mark) const {
    return {mark.line + first_line_, mark.column + 1};
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const TreeNode* key = builder_.pending_key();
    if (key != nullptr && key->position == At(mark)) {
      builder_.Fail(At(mark),
                    absl::StrCat("\"", key->text, "\" lacks its colon"));
    }
    TreeNode node;
    node.position = At(mark);
    builder_.AddScalar(std::move(node), static_cast<int>(anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.AddAlias(At(mark), static_cast<int>(anchor));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    TreeNode node;
    if (tag == "!" || tag == absl::StrCat(kYamlTag, "str")) {
      node.kind = TreeNode::Kind::kString;
      node.text = value;
    } else {
      node = ResolvePlainScalar(value);
      node.is_merge_key = value == "<<";
      if (tag != "?" && !absl::StartsWith(tag, kYamlTag)) {
        builder_.Fail(At(mark), absl::StrCat("unknown tag ", tag));
      }
    }
    node.position = At(mark);
    builder_.AddScalar(std::move(node), static_cast<int>(anchor));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    builder_.Open(TreeNode::Kind::kList, At(mark), static_cast<int>(anchor));
  }
  void OnSequenceEnd() override { builder_.Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    builder_.Open(TreeNode::Kind::kMap, At(mark), static_cast<int>(anchor));
  }
  void OnMapEnd() override { builder_.Close(); }

 private:
  const int first_line_;
  TreeBuilder& builder_;
};

absl::optional<DocumentFault> FindControlCharacter(absl::string_view text,
                                                   int first_line) {
  Position at{first_line, 1};
  for (const char c : text) {
    if (c == '\n') {
      at = {at.line + 1, 1};
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f) {
      return DocumentFault{at, "control characters are not allowed"};
    }
    ++at.column;
  }
  return absl::nullopt;
}

TreeNode Integer(int64_t value) {
  TreeNode node;
  node.kind = TreeNode::Kind::kInt;
  node.integer = value;
  return node;
}

bool HasOnly(absl::string_view text, absl::string_view allowed) {
  return !text.empty() &&
         text.find_first_not_of(allowed) == absl::string_view::npos;
}

// Digits of `base` behind an optional sign, within 64 bits.
absl::optional<int64_t> ParseDigits(bool negative, absl::string_view digits,
                                    int base) {
  constexpr absl::string_view kDigits = "0123456789abcdef";
  if (digits.empty()) return absl::nullopt;
  int64_t value = 0;
  for (const char c : digits) {
    const size_t digit = kDigits.find(absl::ascii_tolower(c));
    if (digit >= static_cast<size_t>(base)) return absl::nullopt;
    if (value >
        (std::numeric_limits<int64_t>::max() - static_cast<int64_t>(digit)) /
            base) {
      return absl::nullopt;
    }
    value = value * base + static_cast<int64_t>(digit);
  }
  return negative ? -value : value;
}

absl::optional<TreeNode> ResolveNumber(absl::string_view text) {
  const std::string plain = absl::StrReplaceAll(text, {{"_", ""}});
  absl::string_view rest = plain;
  const bool negative = absl::ConsumePrefix(&rest, "-");
  if (!negative) absl::ConsumePrefix(&rest, "+");
  int base = 10;
  if (absl::ConsumePrefix(&rest, "0x") || absl::ConsumePrefix(&rest, "0X")) {
    base = 16;
  } else if (absl::ConsumePrefix(&rest, "0b")) {
    base = 2;
  } else if (absl::ConsumePrefix(&rest, "0o") ||
             (rest.size() > 1 && rest[0] == '0' && HasOnly(rest, "01234567"))) {
    base = 8;
  }
  const absl::optional<int64_t> integer = ParseDigits(negative, rest, base);
  if (integer.has_value()) return Integer(*integer);

  TreeNode node;
  node.kind = TreeNode::Kind::kFloat;
  const std::string lower = absl::AsciiStrToLower(rest);
  if (lower == ".inf" || lower == ".nan") {
    node.number = lower == ".inf" ? INFINITY : NAN;
    return node;
  }
  if (!HasOnly(lower, "0123456789.e+-") ||
      !absl::ascii_isdigit(lower[lower[0] == '.' ? 1 : 0]) ||
      !absl::SimpleAtod(plain, &node.number)) {
    return absl::nullopt;
  }
  return node;
}

absl::optional<bool> ResolveBool(absl::string_view text) {
  // Only lower, Capital and UPPER case spellings count.
  const std::string lower = absl::AsciiStrToLower(text);
  std::string capital = lower;
  if (!capital.empty()) capital[0] = absl::ascii_toupper(capital[0]);
  if (text != lower && text != capital && text != absl::AsciiStrToUpper(text)) {
    return absl::nullopt;
  }
  if (lower == "true" || lower == "yes" || lower == "on") {
    return true;
  }
  if (lower == "false" || lower == "no" || lower == "off") {
    return false;
  }
  return absl::nullopt;
}

}  // namespace

TreeNode ResolvePlainScalar(absl::string_view text) {
  TreeNode node;
  if (text.empty() || text == "~" || text == "null" || text == "Null" ||
      text == "NULL") {
    return node;
  }
  if (absl::optional<bool> boolean = ResolveBool(text)) {
    node.kind = TreeNode::Kind::kBool;
    node.boolean = *boolean;
  } else if (absl::optional<TreeNode> number = ResolveNumber(text)) {
    node = *std::move(number);
  } else {
    node.kind = TreeNode::Kind::kString;
  }
  node.text = std::string(text);
  return node;
}

absl::optional<DocumentFault> ParseYaml(absl::string_view text, int first_line,
                                        std::unique_ptr<DocumentTree>* tree) {
  if (auto fault = FindControlCharacter(text, first_line)) return fault;
  TreeBuilder builder;
  TreeHandler handler(first_line, &builder);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& e) {
    builder.Fail(handler.At(e.mark), absl::StrCat("not valid YAML: ", e.msg));
  } catch (const std::exception& e) {
    builder.Fail({first_line, 1}, absl::StrCat("not valid YAML: ", e.what()));
  }
  return builder.Finish(tree);
}

}  // namespace netpol
