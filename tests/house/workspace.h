// The source tree that the test was built from.
#ifndef NETPOL_TESTS_HOUSE_WORKSPACE_H_
#define NETPOL_TESTS_HOUSE_WORKSPACE_H_

#include <filesystem>
#include <string>
#include <vector>

namespace netpol {

// Follows the runfile of the top-level README.md to the tree; tests that use it
// are tagged `local`, since a sandbox shows them a part only.
std::filesystem::path WorkspaceRoot();

// Regular files below `folder`, sorted, as paths relative to the workspace.
std::vector<std::filesystem::path> FilesBelow(
    const std::filesystem::path& folder);

std::string ReadFile(const std::filesystem::path& relative);

}  // namespace netpol

#endif  // NETPOL_TESTS_HOUSE_WORKSPACE_H_
