#include "tests/dataplane/ipset/private_network.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "gtest/gtest.h"

namespace netpol {
namespace {

constexpr int kNobody = 65534;

std::string ReadAll(FILE* file) {
  std::string text;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof(buffer), file)) {
    text.append(buffer, count);
  }
  return text;
}

std::string WithPath(const std::string& command) {
  return "set -e; PATH=$PATH:/usr/sbin:/sbin; " + command;
}

}  // namespace

bool EnterPrivateNetwork() { return unshare(CLONE_NEWNET) == 0; }

std::string Shell(const std::string& command) {
  FILE* pipe = popen(WithPath(command).c_str(), "r");
  const std::string output = ReadAll(pipe);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

bool HasProgram(const std::string& name) {
  return system(WithPath("command -v " + name + " >/dev/null").c_str()) == 0;
}

void WithoutPrivileges(const std::function<void()>& action) {
  std::thread([&action] {
    // The bare call changes this thread only; the C library's changes all.
    ASSERT_EQ(syscall(SYS_setresuid, kNobody, kNobody, kNobody), 0);
    action();
  }).join();
}

std::string OutputOf(const std::function<void()>& action) {
  FILE* file = tmpfile();
  fflush(stdout);
  fflush(stderr);
  const int saved_out = dup(STDOUT_FILENO);
  const int saved_err = dup(STDERR_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  action();
  fflush(stdout);
  fflush(stderr);
  dup2(saved_out, STDOUT_FILENO);
  dup2(saved_err, STDERR_FILENO);
  close(saved_out);
  close(saved_err);
  rewind(file);
  const std::string text = ReadAll(file);
  fclose(file);
  return text;
}

}  // namespace netpol
