#include "tests/kernel/take_over/stored_layout.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

absl::StatusOr<std::string> Stored(absl::string_view name) {
  const std::string path =
      absl::StrCat("tests/kernel/take_over/data/ours-", name);
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("no file ", path));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Hashes are turned round, and a chain of fixed purpose has another name.
std::string Renamed(const std::string& text) {
  static const std::regex kName(
      "KUBE-(?:POD-FW|NWPLCY|SRC|DST)-([A-Z2-7]{16})\\b");
  std::string renamed;
  auto from = text.begin();
  for (std::sregex_iterator it(text.begin(), text.end(), kName), end; it != end;
       ++it) {
    const std::ssub_match& hash = (*it)[1];
    renamed.append(from, hash.first);
    std::string turned = hash.str();
    std::reverse(turned.begin(), turned.end());
    renamed += turned;
    from = hash.second;
  }
  renamed.append(from, text.end());
  return absl::StrReplaceAll(renamed,
                             {{"KUBE-POD-FW-NODE", "KUBE-POD-FW-HOST"}});
}

// What is saved is put before the rules of others.
std::string ForRestore(const std::string& saved) {
  return absl::StrReplaceAll(saved, {{"-A INPUT ", "-I INPUT 1 "},
                                     {"-A FORWARD ", "-I FORWARD 1 "},
                                     {"-A OUTPUT ", "-I OUTPUT 1 "}});
}

}  // namespace

absl::StatusOr<KubeRouterText> StoredLayout(bool renamed) {
  KubeRouterText text;
  ASSIGN_OR_RETURN(text.tables[0], Stored("v4.rules"));
  ASSIGN_OR_RETURN(text.tables[1], Stored("v6.rules"));
  ASSIGN_OR_RETURN(text.sets, Stored("sets"));
  for (std::string& table : text.tables) {
    table = ForRestore(table);
    if (renamed) table = Renamed(table);
  }
  if (renamed) text.sets = Renamed(text.sets);
  return text;
}

}  // namespace netpol
