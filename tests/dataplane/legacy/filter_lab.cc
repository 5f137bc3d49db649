#include "tests/dataplane/legacy/filter_lab.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

std::string Command(const char* suffix) {
  return absl::StrCat(
      FilterLabTest::GetParam() == Family::kIPv4 ? "iptables" : "ip6tables",
      "-legacy", suffix);
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

}  // namespace

void FilterLabTest::SetUp() {
  if (geteuid() != 0)
    GTEST_SKIP() << "needs root for a network namespace of its own";
  ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
  lock_file_ = absl::StrCat(testing::TempDir(), "/xtables.lock.", getpid());
  setenv("XTABLES_LOCKFILE", lock_file_.c_str(), 1);
  // Bazel's own PATH has no sbin.
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  Run("ip link set lo up");
}

std::string FilterLabTest::Run(const std::string& command) {
  std::string output;
  FILE* pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot start: " << command;
    return output;
  }
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    output.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
  return output;
}

std::string FilterLabTest::Iptables(const std::string& arguments) {
  return Run(absl::StrCat(Command(" "), arguments));
}

std::vector<std::string> FilterLabTest::SavedRules(const std::string& chain) {
  std::vector<std::string> rules;
  const std::string start = absl::StrCat("-A ", chain, " ");
  for (const std::string& line : Lines(Run(Command("-save -t filter")))) {
    if (absl::StartsWith(line, start))
      rules.emplace_back(line.substr(start.size()));
  }
  return rules;
}

std::vector<std::string> FilterLabTest::SavedOfOthers() {
  std::vector<std::string> lines;
  for (const std::string& line : Lines(Run(Command("-save -c -t filter")))) {
    if (line[0] == '#' || absl::StrContains(line, "KUBE-")) continue;
    lines.push_back(line);
  }
  return lines;
}

int FilterLabTest::PacketsOf(const std::string& chain, int position) {
  const std::string start = absl::StrCat("] -A ", chain, " ");
  for (const std::string& line : Lines(Run(Command("-save -c -t filter")))) {
    if (!absl::StrContains(line, start) || --position > 0) continue;
    int packets = -1;
    EXPECT_TRUE(absl::SimpleAtoi(line.substr(1, line.find(':') - 1), &packets));
    return packets;
  }
  ADD_FAILURE() << "no such rule in " << chain;
  return -1;
}

void FilterLabTest::SendOverLoopback(int port, int count) {
  const bool v4 = family() == Family::kIPv4;
  sockaddr_in to4 = {};
  to4.sin_family = AF_INET;
  to4.sin_port = htons(port);
  to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 to6 = {};
  to6.sin6_family = AF_INET6;
  to6.sin6_port = htons(port);
  to6.sin6_addr = in6addr_loopback;
  const sockaddr* to = v4 ? reinterpret_cast<sockaddr*>(&to4)
                          : reinterpret_cast<sockaddr*>(&to6);
  const socklen_t size = v4 ? sizeof(to4) : sizeof(to6);
  // Somebody has to listen, or there would be ICMP answers too.
  const int receiver = socket(to->sa_family, SOCK_DGRAM, 0);
  ASSERT_EQ(bind(receiver, to, size), 0) << std::strerror(errno);
  const int sender = socket(to->sa_family, SOCK_DGRAM, 0);
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(sendto(sender, "x", 1, 0, to, size), 1) << std::strerror(errno);
  close(sender);
  close(receiver);
}

std::string FamilyTestName(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::kIPv4 ? "IPv4" : "IPv6";
}

}  // namespace netpol
