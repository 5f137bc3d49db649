#include "netpol/watch/manifests/document_reader.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "netpol/watch/manifests/json_parser.h"
#include "netpol/watch/manifests/yaml_parser.h"

namespace netpol {
namespace {

DocumentFault TooBig(size_t size, Position position) {
  return {position,
          absl::StrCat("the document has ", size, " bytes, more than ",
                       kMaxDocumentBytes, "; split it with lines of \"---\"")};
}

void Append(absl::optional<DocumentFault> fault,
            std::unique_ptr<DocumentTree> tree, std::vector<Document>* out) {
  if (!fault.has_value() && tree == nullptr) return;
  Document document;
  document.number = static_cast<int>(out->size()) + 1;
  document.fault = std::move(fault);
  if (!document.fault.has_value()) document.tree = std::move(tree);
  out->push_back(std::move(document));
}

// `line` is a marker such as "---": alone, or with a blank behind it.
bool IsMarker(absl::string_view line, absl::string_view marker) {
  return absl::ConsumePrefix(&line, marker) &&
         (line.empty() || absl::ascii_isspace(line[0]));
}

bool HasContent(absl::string_view line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  return !line.empty() && line[0] != '#';
}

// Cuts YAML text into pieces that hold one document each.
class YamlSplitter {
 public:
  explicit YamlSplitter(std::vector<Document>* out) : out_(*out) {}

  // A line with its line end.
  void AddLine(absl::string_view line) {
    if (IsMarker(line, "---") || IsMarker(line, "...")) {
      Flush();
      first_line_ = line_;
      // Content may stand on the marker's line. "..." takes none.
      if (line[0] == '-') Take("   ", line.substr(3));
    } else if (line[0] == '%' && !has_content_) {
      // A directive. Taken out, so that it is no document of its own.
      Take("", "\n");
    } else {
      Take("", line);
    }
    ++line_;
  }

  void Flush() {
    if (has_content_) {
      std::unique_ptr<DocumentTree> tree;
      absl::optional<DocumentFault> fault;
      if (piece_.size() > kMaxDocumentBytes) {
        fault = TooBig(piece_.size(), {first_line_, 1});
      } else {
        fault = ParseYaml(piece_, first_line_, &tree);
      }
      const bool is_null =
          tree != nullptr && tree->root().kind == TreeNode::Kind::kNull;
      if (!is_null) Append(std::move(fault), std::move(tree), &out_);
    }
    piece_.clear();
    has_content_ = false;
    first_line_ = line_ + 1;
  }

 private:
  // Blanks in place of a marker keep the columns true.
  void Take(absl::string_view indent, absl::string_view line) {
    absl::StrAppend(&piece_, indent, line);
    has_content_ = has_content_ || HasContent(line);
  }

  std::vector<Document>& out_;
  std::string piece_;
  bool has_content_ = false;
  int line_ = 1;
  int first_line_ = 1;
};

std::vector<Document> ReadYaml(absl::string_view text) {
  std::vector<Document> out;
  YamlSplitter splitter(&out);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t length =
        end == absl::string_view::npos ? text.size() : end + 1;
    splitter.AddLine(text.substr(0, length));
    text.remove_prefix(length);
  }
  splitter.Flush();
  return out;
}

Position Behind(absl::string_view text, Position at) {
  for (const char c : text) {
    at =
        c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
  }
  return at;
}

// The bytes to skip after a fault: up to the next line that opens an object.
size_t NextObject(absl::string_view text) {
  const size_t next = text.find("\n{");
  return next == absl::string_view::npos ? text.size() : next + 1;
}

std::vector<Document> ReadJson(absl::string_view text, bool* all_valid) {
  std::vector<Document> out;
  Position at{1, 1};
  *all_valid = true;
  const auto skip = [&text, &at](size_t length) {
    at = Behind(text.substr(0, length), at);
    text.remove_prefix(length);
  };
  while (true) {
    skip(text.size() - absl::StripLeadingAsciiWhitespace(text).size());
    if (text.empty()) return out;
    std::unique_ptr<DocumentTree> tree;
    size_t length = 0;
    absl::optional<DocumentFault> fault = ParseJson(text, at, &tree, &length);
    if (fault.has_value()) {
      *all_valid = false;
      length += NextObject(text.substr(length));
    } else if (length > kMaxDocumentBytes) {
      fault = TooBig(length, at);
    }
    skip(length);
    Append(std::move(fault), std::move(tree), &out);
  }
}

}  // namespace

std::vector<Document> ReadDocuments(absl::string_view text, bool may_be_yaml) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  const absl::string_view content = absl::StripLeadingAsciiWhitespace(text);
  const bool looks_like_json =
      !content.empty() && (content[0] == '{' || content[0] == '[');
  if (looks_like_json || (!may_be_yaml && !content.empty())) {
    bool all_valid = false;
    std::vector<Document> documents = ReadJson(text, &all_valid);
    if (all_valid || !may_be_yaml) return documents;
  }
  return ReadYaml(text);
}

}  // namespace netpol
