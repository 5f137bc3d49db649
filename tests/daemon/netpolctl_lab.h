// The real netpolctl in a network namespace of its own.
#ifndef NETPOL_TESTS_DAEMON_NETPOLCTL_LAB_H_
#define NETPOL_TESTS_DAEMON_NETPOLCTL_LAB_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {

// Each test has an empty namespace, a folder for manifests, and lock files of
// its own; all are gone afterwards. Skips without root.
class NetpolctlTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  const NetNs& ns() const { return *ns_; }

  // netpolctl with `arguments`, to its end.
  ProgramResult Netpolctl(std::vector<std::string> arguments);
  // `command` with --manifests for the folder, --hostname-override=node-a and
  // the run lock of this test, then `more`.
  ProgramResult Enforce(const std::string& command,
                        std::vector<std::string> more = {});
  // Another program; the test fails unless it succeeds. What it printed.
  std::string Tool(std::vector<std::string> argv);

  // Everything in both filter tables, with counters, and all sets, members
  // sorted; equal texts are equal kernels.
  std::string KernelText();
  // As iptables-save prints it, IPv4 only and without counters.
  std::string FilterTable();

  // Files in the manifests folder.
  void Write(const std::string& name, absl::string_view text);
  void Remove(const std::string& name);
  // Namespace web, pod web/front (app=front, 10.0.0.1, fd00::1) on node-a, pod
  // web/back (app=back, 10.0.1.1, fd00:1::1) elsewhere, policy web/allow that
  // lets back reach front's TCP port 80.
  void WriteSmallCluster();
  std::string manifests() const { return folder_ + "/manifests"; }
  std::string run_lock() const { return folder_ + "/run.lock"; }
  std::string control_socket() const { return socket_folder_ + "/control"; }
  std::string xtables_lock() const { return folder_ + "/xtables.lock"; }

  // `run` in the background.
  void StartDaemon(std::vector<std::string> more = {});
  // Reads its log on until a line that holds `text`: that line, or nothing when
  // `limit` is over. What was read before is not looked at again.
  absl::optional<std::string> AwaitLog(
      absl::string_view text, absl::Duration limit = absl::Seconds(20));
  // All of the log that was read.
  const std::string& log() const { return log_; }
  NodeProcess& daemon() { return *daemon_; }

 private:
  Program Command(std::vector<std::string> arguments) const;
  std::vector<std::string> EnforceArguments(const std::string& command,
                                            std::vector<std::string> more);

  absl::optional<NetNs> ns_;
  std::string folder_;
  std::string socket_folder_;  // since the other's name is too long for one
  std::unique_ptr<NodeProcess> daemon_;
  FileDescriptor log_pipe_;
  std::string log_;
  size_t log_seen_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DAEMON_NETPOLCTL_LAB_H_
