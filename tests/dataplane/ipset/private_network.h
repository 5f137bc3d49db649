// A network namespace of the test's own, and commands run in it.
#ifndef TESTS_DATAPLANE_IPSET_PRIVATE_NETWORK_H_
#define TESTS_DATAPLANE_IPSET_PRIVATE_NETWORK_H_

#include <functional>
#include <string>

namespace netpol {

// Moves the calling thread into a new, empty network namespace, which ends with
// the last thread and socket in it. False where that is not permitted.
bool EnterPrivateNetwork();

// Runs shell commands, up to the first that fails, in the calling thread's
// network namespace; returns what they wrote, and fails the test when one did
// not end with 0.
std::string Shell(const std::string& command);

// Whether there is such a program on PATH.
bool HasProgram(const std::string& name);

// Calls `action` in the calling thread's network namespace, on a thread that
// has no privileges.
void WithoutPrivileges(const std::function<void()>& action);

// What `action` made this process write to its standard output and error.
std::string OutputOf(const std::function<void()>& action);

}  // namespace netpol

#endif  // TESTS_DATAPLANE_IPSET_PRIVATE_NETWORK_H_
