// The rules of the house that a compiler does not check: what stands at the top
// level, who includes whom, and which wing uses which words.
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/house/workspace.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

// The room of a path such as netpol/policy/labels.h; files of netpol/ itself
// are in the room "controller".
std::string RoomOf(const fs::path& path) {
  auto part = path.begin();
  if (part == path.end() || *part != "netpol") return "";
  ++part;
  return std::next(part) == path.end() ? "controller" : part->string();
}

bool IsSource(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc";
}

std::vector<std::string> IncludesOf(const fs::path& file) {
  static const std::regex kInclude("#include \"([^\"]+)\"");
  const std::string text = ReadFile(file);
  std::vector<std::string> includes;
  for (std::sregex_iterator it(text.begin(), text.end(), kInclude), end;
       it != end; ++it) {
    includes.push_back((*it)[1]);
  }
  return includes;
}

// Room → rooms it may include, besides itself. Outermost rooms may include
// everything.
const std::map<std::string, std::set<std::string>>& AllowedRooms() {
  static const auto* const kAllowed =
      new std::map<std::string, std::set<std::string>>{
          {"base", {}},
          {"policy", {"base"}},
          {"rules", {"base"}},
          {"state", {"policy", "base"}},
          {"compile", {"state", "policy", "rules", "base"}},
          {"sync", {"rules", "base"}},
          {"dataplane", {"sync", "rules", "base"}},
          {"controller",
           {"compile", "state", "policy", "sync", "rules", "base"}},
          {"watch", {"base"}},
          {"enforcer",
           {"controller", "compile", "state", "policy", "sync", "rules",
            "dataplane", "watch", "base"}},
          {"explain", {"compile", "state", "policy", "sync", "rules", "base"}},
      };
  return *kAllowed;
}

TEST(TopLevelTest, HoldsTheNamedEntriesAndDotFilesOnly) {
  const std::set<std::string> allowed = {"BUILD.bazel", "WORKSPACE",   "netpol",
                                         "proto",       "third_party", "tests",
                                         "bench",       "README.md"};
  std::set<std::string> found;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(WorkspaceRoot())) {
    const std::string name = entry.path().filename();
    // Written on demand for editors, and ignored by git.
    if (name[0] != '.' && name != "compile_commands.json") found.insert(name);
  }
  EXPECT_EQ(found, allowed);
}

TEST(RoomsTest, EveryRoomIncludesOnlyTheRoomsItMay) {
  int checked = 0;
  for (const fs::path& file : FilesBelow("netpol")) {
    auto allowed = AllowedRooms().find(RoomOf(file));
    if (!IsSource(file) || allowed == AllowedRooms().end()) continue;
    for (const std::string& include : IncludesOf(file)) {
      const std::string room = RoomOf(include);
      if (room.empty() || room == allowed->first) continue;
      EXPECT_TRUE(allowed->second.count(room) > 0)
          << file << " includes " << include;
      ++checked;
    }
  }
  EXPECT_GT(checked, 50) << "the sources were not found";
}

TEST(RoomsTest, ProgramsDoNotIncludeOneAnother) {
  const std::set<std::string> outermost = {"daemon", "capi", "testing"};
  for (const fs::path& file : FilesBelow("netpol")) {
    if (!IsSource(file) || outermost.count(RoomOf(file)) == 0) continue;
    for (const std::string& include : IncludesOf(file)) {
      const std::string room = RoomOf(include);
      EXPECT_TRUE(room == RoomOf(file) || outermost.count(room) == 0)
          << file << " includes " << include;
    }
  }
}

TEST(RoomsTest, WireObjectsEnterByParseControllerAndWatchOnly) {
  const std::set<std::string> may = {"controller", "watch", "enforcer",
                                     "daemon",     "capi",  "testing"};
  for (const fs::path& file : FilesBelow("netpol")) {
    if (!IsSource(file) || may.count(RoomOf(file)) > 0) continue;
    if (file.stem().string().rfind("parse", 0) == 0 && RoomOf(file) == "policy")
      continue;
    for (const std::string& include : IncludesOf(file)) {
      EXPECT_NE(include.rfind("proto/", 0), 0u)
          << file << " includes " << include;
    }
  }
}

// C++'s own use of the word, and the kernel's; and names of sets that
// kube-router gave.
std::string WithoutOtherNamespaces(const std::string& text) {
  static const std::regex kOther(
      "kube-router-(local-pods|pod-cidrs)|(using )?namespace "
      "(netpol|fs|absl|[a-z_]+)? *(=|\\{|;)|// namespace.*|"
      "(network|user)\\s+(//\\s*)?namespaces?");
  return std::regex_replace(text, kOther, "");
}

TEST(RoomsTest, TheKernelWingDoesNotKnowKubernetesWords) {
  static const std::regex kWords(
      "\\b(pods?|Pods?|polic(y|ies)|Polic(y|ies)|selectors?|Selectors?|[nN]"
      "amespaces?)\\b");
  for (const std::string room : {"sync", "dataplane", "rules"}) {
    for (const fs::path& file : FilesBelow("netpol/" + room)) {
      if (!IsSource(file)) continue;
      const std::string text = WithoutOtherNamespaces(ReadFile(file));
      std::smatch match;
      EXPECT_FALSE(std::regex_search(text, match, kWords))
          << file << " says \"" << match.str() << "\": "
          << match.prefix().str().substr(
                 std::max<std::ptrdiff_t>(0, match.position() - 60));
    }
  }
}

TEST(RoomsTest, TheKubernetesWingDoesNotKnowKernelWords) {
  static const std::regex kWords("\\b(ipsets?|iptables|chains?)\\b",
                                 std::regex::icase);
  for (const std::string room : {"policy", "state"}) {
    for (const fs::path& file : FilesBelow("netpol/" + room)) {
      if (!IsSource(file)) continue;
      const std::string text = ReadFile(file);
      std::smatch match;
      EXPECT_FALSE(std::regex_search(text, match, kWords))
          << file << " says \"" << match.str() << "\"";
    }
  }
}

// All rooms share one C++ namespace: two types of one name in one program are
// one symbol with two meanings, and no linker says so.
TEST(RoomsTest, NoTwoHeadersDefineTypesOfOneName) {
  static const std::regex kDefinition(
      "(^|\\n)(struct|class|enum|enum class) ([A-Z]\\w*)( final)?( : [^{;]*)? "
      "\\{");
  std::map<std::string, fs::path> defined;
  for (const char* top : {"netpol", "tests"}) {
    for (const fs::path& file : FilesBelow(top)) {
      if (file.extension() != ".h") continue;
      const std::string text = ReadFile(file);
      for (std::sregex_iterator it(text.begin(), text.end(), kDefinition), end;
           it != end; ++it) {
        const auto [first, inserted] = defined.emplace((*it)[3], file);
        EXPECT_TRUE(inserted)
            << (*it)[3] << " in " << first->second << " and in " << file;
      }
    }
  }
  EXPECT_GT(defined.size(), 50u) << "the headers were not found";
}

TEST(VisibilityTest, BuildFilesSayWhatTheTableSays) {
  const std::map<std::string, std::string> groups = {
      {"policy", "//netpol:kubernetes_wing"},
      {"state", "//netpol:kubernetes_wing"},
      {"rules", "//netpol:kernel_wing"},
      {"compile", "//netpol:hall"},
      {"sync", "//netpol:engine_users"},
      {"explain", "//netpol:explainers"},
      {"watch", "//netpol:programs"},
      {"dataplane", "//netpol:programs"},
  };
  int checked = 0;
  for (const fs::path& file : FilesBelow("netpol")) {
    auto group = groups.find(RoomOf(file));
    if (file.filename() != "BUILD.bazel" || group == groups.end()) continue;
    const std::string text = ReadFile(file);
    EXPECT_NE(text.find(group->second), std::string::npos)
        << file << " should be visible to " << group->second;
    EXPECT_EQ(text.find("//visibility:public"), std::string::npos) << file;
    ++checked;
  }
  EXPECT_GE(checked, 8);
}

}  // namespace
}  // namespace netpol
