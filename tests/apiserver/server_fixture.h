// What tests against a real API server begin with.
#ifndef NETPOL_TESTS_APISERVER_SERVER_FIXTURE_H_
#define NETPOL_TESTS_APISERVER_SERVER_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/audit_log.h"
#include "tests/apiserver/control_plane.h"
#include "tests/apiserver/polled_source.h"
#include "tests/apiserver/tcp_relay.h"

namespace netpol {

// One control plane for all tests of a suite, empty at the begin of each: but
// for the namespaces of its own. Whoever is known there may do everything,
// unless a suite has its own SetUpTestSuite() with StartControlPlane().
class ServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  static void StartControlPlane(ControlPlaneOptions options);

  void SetUp() override;

  static void Succeed(const absl::Status& status) {
    ASSERT_TRUE(status.ok()) << status;
  }

  static ControlPlane& server() { return *control_plane_; }
  static const AuditLog& audit() { return *audit_; }
  ApiWriter& writer() { return *writer_; }
  TcpRelay& relay() { return *relay_; }

  // Restarts the server with these flags, if it has others; until the next
  // test.
  void UseFlags(const std::vector<std::string>& flags);

  // Namespace web, Node node-a, pods web/front (app=front, on node-a) and
  // web/back-1, back-2 (app=back, on node-b), policy web/allow that lets back
  // reach front's TCP port 80.
  void WriteSmallCluster();
  static k8s::Pod BackPod(int number);

  // By the relay, as the server's administrator, with a `program` of its own.
  KubeSourceOptions SourceOptions();
  // `options`, listed and synced.
  std::unique_ptr<PolledSource> Follow(const KubeSourceOptions& options);
  std::unique_ptr<PolledSource> Follow() { return Follow(SourceOptions()); }

 private:
  static ControlPlane* control_plane_;
  static absl::optional<AuditLog> audit_;
  static std::vector<std::string> flags_;
  static int sources_;
  const NetNs here_ = NetNs::OfCaller();
  std::unique_ptr<ApiWriter> writer_;
  std::unique_ptr<TcpRelay> relay_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_SERVER_FIXTURE_H_
