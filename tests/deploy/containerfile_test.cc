// The image: that it has the libraries that the program needs, and no others.
#include <fstream>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAreArray;

constexpr char kContainerfile[] = "netpol/daemon/deploy/Containerfile";
constexpr char kProgram[] = "netpol/daemon/netpolctl";

// Of what programs are linked with, what debian:12-slim has anyhow.
constexpr const char* kInTheBase[] = {"libc6", "libgcc-s1", "libstdc++6"};

std::string OutputOf(std::vector<std::string> argv) {
  Program program;
  program.argv = std::move(argv);
  const absl::StatusOr<ProgramResult> result =
      RunProgram(NetNs::OfCaller(), program);
  if (!result.ok() || result->exit_code != 0) {
    ADD_FAILURE() << program.argv[0] << ": " << result.status() << " "
                  << (result.ok() ? result->err : "");
    return "";
  }
  return result->out;
}

// "libcurl.so.4", from " 0x0…01 (NEEDED)  Shared library: [libcurl.so.4]".
std::vector<std::string> NeededLibraries() {
  std::vector<std::string> names;
  for (const absl::string_view line : absl::StrSplit(
           OutputOf({"readelf", "--dynamic", "--wide", kProgram}), '\n')) {
    if (!absl::StrContains(line, "(NEEDED)")) continue;
    const size_t begin = line.find('[');
    names.emplace_back(line.substr(begin + 1, line.rfind(']') - begin - 1));
  }
  return names;
}

// Of lines such as "libcurl4:amd64: /usr/lib/x86_64-linux-gnu/libcurl.so.4".
absl::btree_set<std::string> PackagesOf(
    const std::vector<std::string>& libraries) {
  std::vector<std::string> search = {"dpkg-query", "--search"};
  for (const std::string& library : libraries)
    search.push_back(absl::StrCat("*/", library));
  absl::btree_set<std::string> packages;
  for (const absl::string_view line :
       absl::StrSplit(OutputOf(search), '\n', absl::SkipEmpty())) {
    packages.emplace(line.substr(0, line.find(':')));
  }
  return packages;
}

std::vector<std::string> Lines() {
  std::vector<std::string> lines;
  std::ifstream file(kContainerfile);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> InstalledPackages() {
  std::vector<std::string> packages;
  bool installs = false;
  for (const std::string& line : Lines()) {
    const std::vector<std::string> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (installs && words.size() == 2 && words[1] == "\\")
      packages.push_back(words[0]);
    else
      installs = absl::StrContains(line, "apt-get install");
  }
  return packages;
}

TEST(ContainerfileTest, PackagesAreThoseOfTheLibrariesThatTheProgramNames) {
  const std::vector<std::string> libraries = NeededLibraries();
  EXPECT_THAT(libraries, Contains("libcurl.so.4"));
  absl::btree_set<std::string> needed = PackagesOf(libraries);
  for (const char* package : kInTheBase)
    EXPECT_EQ(needed.erase(package), 1u) << package;
  // It has iptables-nft-restore, which it runs.
  needed.insert("iptables");
  // In alphabetical order too.
  EXPECT_THAT(InstalledPackages(), ElementsAreArray(needed));
}

TEST(ContainerfileTest, ImageIsOfTheReleaseThatTheProgramIsBuiltFor) {
  std::string release;
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    absl::string_view text = line;
    if (absl::ConsumePrefix(&text, "VERSION_ID="))
      release =
          std::string(absl::StripSuffix(absl::StripPrefix(text, "\""), "\""));
  }
  EXPECT_THAT(Lines(),
              Contains(absl::StrCat("FROM debian:", release, "-slim")));
}

TEST(ContainerfileTest, ProgramIsWhereTheContainerStartsIt) {
  EXPECT_THAT(Lines(), Contains("COPY netpolctl /usr/local/sbin/netpolctl"));
  EXPECT_THAT(Lines(), Contains("ENTRYPOINT [\"/usr/local/sbin/netpolctl\"]"));
}

}  // namespace
}  // namespace netpol
