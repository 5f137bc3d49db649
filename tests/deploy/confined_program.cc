#include "tests/deploy/confined_program.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

constexpr char kScript[] = "tests/deploy/confine";
constexpr char kProgram[] = "netpol/daemon/netpolctl";

// The file itself: links of the test's folders do not lead anywhere in there.
std::string RealPath(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? path : real.string();
}

}  // namespace

void AddProgram(std::vector<ConfinedMount>& mounts) {
  mounts.push_back({"/proc", "/proc"});
  mounts.push_back({kEmptyFolder, "/dev"});
  for (const char* device : {"/dev/null", "/dev/random", "/dev/urandom"})
    mounts.push_back({device, device, /*writable=*/true});
  mounts.push_back(
      {kEmptyFolder, fs::path(kInstalledProgram).parent_path().string()});
  mounts.push_back({RealPath(kProgram), kInstalledProgram});
}

Program Confined(const Confinement& confinement,
                 const std::string& empty_folder,
                 const std::vector<std::string>& argv) {
  Program program;
  program.argv = {
      kScript, empty_folder,
      absl::AsciiStrToLower(absl::StrJoin(confinement.capabilities, ","))};
  for (const ConfinedMount& mount : confinement.mounts) {
    program.argv.push_back(absl::StrCat(mount.source, ":", mount.target,
                                        mount.writable ? ":rw" : ":ro"));
  }
  for (const char* word : {"--", "env", "-i"}) program.argv.push_back(word);
  program.argv.insert(program.argv.end(), confinement.environment.begin(),
                      confinement.environment.end());
  program.argv.insert(program.argv.end(), argv.begin(), argv.end());
  return program;
}

}  // namespace netpol
