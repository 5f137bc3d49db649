// A network namespace of the test's own, with the iptables commands in it.
#ifndef NETPOL_TESTS_DATAPLANE_LEGACY_FILTER_LAB_H_
#define NETPOL_TESTS_DATAPLANE_LEGACY_FILTER_LAB_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"

namespace netpol {

// Moves the process into a fresh network namespace with `lo` up and a lock file
// of its own; skips the test without root.
class FilterLabTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override;

  static Family family() { return GetParam(); }

  // Runs `command` by the shell; the test fails unless it succeeds. Returns
  // what it printed.
  static std::string Run(const std::string& command);
  // `iptables-legacy` or `ip6tables-legacy` with `arguments`.
  static std::string Iptables(const std::string& arguments);
  // The lines "-A chain …" of iptables-legacy-save without "-A chain ".
  static std::vector<std::string> SavedRules(const std::string& chain);
  // All of iptables-legacy-save -c for table filter but comments and lines that
  // name a chain of ours.
  static std::vector<std::string> SavedOfOthers();
  // Packets counted by rule `position` (from 1) of `chain`.
  static int PacketsOf(const std::string& chain, int position);
  // Sends `count` UDP packets over lo to `port`.
  static void SendOverLoopback(int port, int count);

  const std::string& lock_file() const { return lock_file_; }

 private:
  std::string lock_file_;
};

// "IPv4" and "IPv6" as test names.
std::string FamilyTestName(const testing::TestParamInfo<Family>& info);

}  // namespace netpol

#endif  // NETPOL_TESTS_DATAPLANE_LEGACY_FILTER_LAB_H_
