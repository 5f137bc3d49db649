// The real netpolctl, following a real API server.
#ifndef NETPOL_TESTS_APISERVER_DAEMON_FIXTURE_H_
#define NETPOL_TESTS_APISERVER_DAEMON_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/apiserver/server_fixture.h"
#include "tests/apiserver/tcp_relay.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {

// Each test has the small cluster at the server and a network namespace of its
// own, where the daemon runs as node-a and finds the server by way(). Skips
// without root.
class DaemonTest : public ServerTest {
 protected:
  // A page of the daemon; status 0 if it does not answer.
  struct Page {
    int status = 0;
    std::string body;
  };

  void SetUp() override;
  void TearDown() override;

  // With kubeconfig(), which is written to its file.
  void StartDaemon(const std::vector<std::string>& more = {});
  // It must end well.
  void StopDaemon();
  bool IsAlive();

  // What the small cluster asks for is in the kernel, and the daemon that put
  // it there has ended.
  void EnforceEarlier();

  // The first line of the running daemon's log that holds `text`; fails without
  // one.
  std::string AwaitLog(absl::string_view text);
  Page Get(const std::string& path) const;
  // Until /healthz says that it is not well, and why: every one of `words`.
  void AwaitUnhealthy(const std::vector<std::string>& words);
  // Until /healthz and /readyz say that it is.
  void AwaitHealthy();
  // Until the kernel has a set with this member.
  void AwaitMember(const std::string& address);

  // Everything in both filter tables and all sets, without counters.
  std::string KernelText() const;

  // Changes count with the next StartDaemon().
  KubeconfigContent& kubeconfig() { return kubeconfig_; }
  std::string kubeconfig_path() const { return folder_ + "/kubeconfig"; }
  // The daemon's --hostname-override.
  void set_node(const std::string& name) { node_ = name; }
  // A file of the test's own, with this text.
  std::string Put(const std::string& name, const std::string& text);
  TcpRelay& way() { return *way_; }
  const NetNs& ns() const { return *ns_; }

 private:
  std::string Log() const;
  Program Netpolctl(std::vector<std::string> arguments) const;

  absl::optional<NetNs> ns_;
  std::unique_ptr<TcpRelay> way_;
  std::string folder_;  // Its name is short, for a socket.
  KubeconfigContent kubeconfig_;
  std::string node_ = "node-a";
  std::unique_ptr<NodeProcess> daemon_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_DAEMON_FIXTURE_H_
