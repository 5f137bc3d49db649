#include "tests/house/workspace.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace netpol {

namespace fs = std::filesystem;

fs::path WorkspaceRoot() { return fs::canonical("README.md").parent_path(); }

std::vector<fs::path> FilesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(WorkspaceRoot() / folder)) {
    if (entry.is_regular_file()) {
      files.push_back(fs::relative(entry.path(), WorkspaceRoot()));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadFile(const fs::path& relative) {
  std::ifstream file(WorkspaceRoot() / relative);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace netpol
