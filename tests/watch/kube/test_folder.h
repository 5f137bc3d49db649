// A folder of a test's own, with what it writes into it.
#ifndef NETPOL_TESTS_WATCH_KUBE_TEST_FOLDER_H_
#define NETPOL_TESTS_WATCH_KUBE_TEST_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace netpol {

// Removed at the end.
class TestFolder {
 public:
  TestFolder()
      : path_((std::filesystem::path(::testing::TempDir()) / "folder.XXXXXX")
                  .lexically_normal()
                  .string()) {
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string In(const std::string& name) const { return path_ + "/" + name; }

  // Returns its path.
  std::string Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(
        std::filesystem::path(In(name)).parent_path());
    std::ofstream(In(name), std::ios::trunc) << text;
    return In(name);
  }
  std::string WriteScript(const std::string& name,
                          const std::string& body) const {
    // Replaced at once: one that runs cannot be written to.
    const std::string made = Write(name + ".new", "#!/bin/sh\n" + body + "\n");
    std::filesystem::permissions(made, std::filesystem::perms::owner_all);
    std::filesystem::rename(made, In(name));
    return In(name);
  }
  // Empty if there is none.
  std::string Read(const std::string& name) const {
    std::ifstream file(In(name));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void Remove(const std::string& name) const {
    std::filesystem::remove(In(name));
  }

 private:
  std::string path_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_TEST_FOLDER_H_
