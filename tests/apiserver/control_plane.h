// A real API server over a real etcd, for one test program.
#ifndef NETPOL_TESTS_APISERVER_CONTROL_PLANE_H_
#define NETPOL_TESTS_APISERVER_CONTROL_PLANE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/apiserver/api_access.h"
#include "tests/apiserver/control_plane_programs.h"
#include "tests/apiserver/reserved_port.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {

// Somebody who shows a bearer token.
struct TokenUser {
  std::string name;
  std::string token;
  std::vector<std::string> groups = {};
};

struct ControlPlaneOptions {
  std::string authorization_mode = "RBAC";
  // Besides the user "admin", who may do everything.
  std::vector<TokenUser> users = {};
  // Behind ours, so of flags that have one value these count.
  std::vector<std::string> server_flags = {};
  std::vector<std::string> etcd_flags = {};
  // Both programs run, and are asked, in this network namespace, whose loopback
  // is up; borrowed. Null: where the caller is.
  const NetNs* ns = nullptr;
};

// etcd and kube-apiserver on free ports of 127.0.0.1, and nothing else of a
// cluster: no controller, no scheduler, no kubelet (ApiWriter stands in for
// them). Their data, certificates and logs are in a temporary folder that goes
// with this object; Bazel's TEST_UNDECLARED_OUTPUTS_DIR gets the logs. Both
// programs end with it, or with the thread that started them, however that
// ends: start and restart them from a thread that stays.
//
// Starting takes some seconds; a test program shares one, with a namespace of
// its own for each test. Thread-compatible.
class ControlPlane {
 public:
  // Returns when the server says that it is ready (/readyz). Errors have the
  // end of the log, or, if the programs could not be had, why
  // (FindControlPlanePrograms).
  static absl::StatusOr<std::unique_ptr<ControlPlane>> Start(
      const ControlPlaneOptions& options = ControlPlaneOptions());

  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;
  ~ControlPlane();

  // --- Who and where.
  // ---------------------------------------------------------

  uint16_t port() const { return server_port_.number(); }
  std::string url() const;
  // What the certificate of the server is signed by, as of now.
  const std::string& ca_pem() const { return serving_.certificate(); }
  std::string ca_file() const { return folder_ + "/serving-ca.crt"; }
  // Of the test as well: files may be put here.
  const std::string& folder() const { return folder_; }

  ApiAccess AdminAccess() const { return AccessWith(admin_token_); }
  ApiAccess AccessWith(absl::string_view token) const;

  // Proves to be `user` in these groups ("system:masters": may do everything).
  TestCertificate ClientCertificate(
      const std::string& user, const std::vector<std::string>& groups) const;

  // --- The server's life. The port stays the same. ---------------------------

  // SIGTERM, as an upgrade does it: open watches end in good order.
  absl::Status StopServer();
  // SIGKILL, as a crash.
  absl::Status KillServer();
  // Returns when it is ready again.
  absl::Status StartServer();
  absl::Status RestartServer();

  // It keeps its connections, and says nothing on them (SIGSTOP, SIGCONT).
  absl::Status PauseServer();
  absl::Status ResumeServer();

  // Count from the next start of the server on.
  absl::Status SetUsers(const std::vector<TokenUser>& users);
  void SetServerFlags(std::vector<std::string> flags);

  // --- Trouble.
  // ---------------------------------------------------------------

  // Makes etcd forget all but the latest revision. A server with a watch cache
  // (the default) still knows its recent ones itself until it is restarted;
  // then it answers a watch from before its start with 410 even without this.
  absl::Status CompactHistory();

  // The server presents another certificate when this returns, of the same
  // authority or of a new one; then ca_pem() and the file are the new one's.
  absl::Status RotateServingCertificate();
  absl::Status RotateServingAuthority();

  // POST to etcd's JSON gateway ("/v3/kv/range"), past the server.
  absl::StatusOr<std::string> AskEtcd(const std::string& path,
                                      const std::string& body) const;

  // The last lines of the server's log, for failure messages.
  std::string ServerLogTail() const;

 private:
  ControlPlane(ControlPlaneOptions options, ControlPlanePrograms programs,
               std::string folder, ReservedPort etcd_port,
               ReservedPort peer_port, ReservedPort server_port);

  const NetNs& ns() const;
  std::string EtcdLog() const { return folder_ + "/etcd.log"; }
  std::string ServerLog() const { return folder_ + "/kube-apiserver.log"; }
  std::vector<std::string> EtcdCommand() const;
  std::vector<std::string> ServerCommand() const;
  absl::Status WriteFiles();
  absl::Status IssueServingCertificate();
  absl::Status AwaitServingCertificate();
  absl::Status StartEtcd();
  absl::Status EndServer(int signal);

  ControlPlaneOptions options_;
  const ControlPlanePrograms programs_;
  const std::string folder_;
  const NetNs here_ = NetNs::OfCaller();
  ReservedPort etcd_port_;
  ReservedPort peer_port_;
  ReservedPort server_port_;
  TestAuthority serving_;
  const TestAuthority clients_;
  std::string serving_certificate_;
  std::string admin_token_;
  std::unique_ptr<NodeProcess> etcd_;
  std::unique_ptr<NodeProcess> server_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_CONTROL_PLANE_H_
