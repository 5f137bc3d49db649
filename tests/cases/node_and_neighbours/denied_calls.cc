#include "tests/cases/node_and_neighbours/denied_calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

sock_filter Load(uint32_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

// Skips `skip` instructions unless what was loaded is `value`.
sock_filter Require(uint32_t value, size_t skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0,
                  static_cast<uint8_t>(skip));
}

// On little-endian machines the low half of an argument comes first.
uint32_t ArgumentOffset(int index) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args) +
                               size_t{8} * index);
}

void Append(const DeniedCall& call, std::vector<sock_filter>& program) {
  // Two instructions for each argument, and the last.
  size_t left = 2 * call.arguments.size() + 1;
  program.push_back(Load(offsetof(seccomp_data, nr)));
  program.push_back(Require(static_cast<uint32_t>(call.number), left));
  for (const auto& [index, value] : call.arguments) {
    left -= 2;
    program.push_back(Load(ArgumentOffset(index)));
    program.push_back(Require(value, left));
  }
  program.push_back(BPF_STMT(
      BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(call.error)));
}

}  // namespace

absl::Status DenyCalls(const std::vector<DeniedCall>& calls) {
  std::vector<sock_filter> program;
  for (const DeniedCall& call : calls) Append(call, program);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter = {static_cast<uint16_t>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    return absl::UnavailableError(
        absl::StrCat("denying system calls: ", strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace netpol
