// Programs with a file system of their own and few capabilities.
#ifndef NETPOL_TESTS_DEPLOY_CONFINED_PROGRAM_H_
#define NETPOL_TESTS_DEPLOY_CONFINED_PROGRAM_H_

#include <string>
#include <vector>

#include "tests/kernel/lab/node_process.h"

namespace netpol {

// A file or folder, or kEmptyFolder, at its place in the program's file system.
struct ConfinedMount {
  std::string source;
  std::string target;
  bool writable = false;
};

inline constexpr char kEmptyFolder[] = "tmpfs";

// Where netpolctl is for a program that AddProgram() was called for.
inline constexpr char kInstalledProgram[] = "/usr/local/sbin/netpolctl";

// What a container runtime or a service manager leaves of a machine for a
// program. Nothing else is there, and nothing can be got back (no_new_privs).
struct Confinement {
  std::vector<ConfinedMount> mounts;      // later ones may lie in earlier ones
  std::vector<std::string> capabilities;  // "NET_ADMIN"
  std::vector<std::string> environment;   // "KEY=value", and no others
};

// The netpolctl under test where it is installed, and devices and /proc as far
// as any program needs them, on top of what `mounts` has of the system.
void AddProgram(std::vector<ConfinedMount>& mounts);

// Runs `argv` so. `empty_folder` must stay as long as the program runs, and is
// still empty afterwards.
Program Confined(const Confinement& confinement,
                 const std::string& empty_folder,
                 const std::vector<std::string>& argv);

}  // namespace netpol

#endif  // NETPOL_TESTS_DEPLOY_CONFINED_PROGRAM_H_
