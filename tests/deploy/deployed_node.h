// A node to deploy to: its kernel, a pod on it, and a real API server.
#ifndef NETPOL_TESTS_DEPLOY_DEPLOYED_NODE_H_
#define NETPOL_TESTS_DEPLOY_DEPLOYED_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"
#include "tests/deploy/confined_program.h"
#include "tests/deploy/daemon_set_manifest.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// The test program has one node, "node-a", and one API server in its network
// namespace, where the objects of the DaemonSet's file are. Each test begins
// with an empty kernel, no daemon, and pod web/front on the node, which policy
// web/allow lets web/back of another node reach at TCP port 80. Skips without
// root.
class DeployedNodeTest : public testing::Test {
 protected:
  // Who the pods of the DaemonSet are for the server, and their first token.
  static constexpr char kAccount[] =
      "system:serviceaccount:kube-system:netpolctl";
  static constexpr char kToken[] = "first-token-of-the-account";
  static constexpr char kNode[] = "node-a";

  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  static ControlPlane& control_plane() { return *cluster_->control_plane; }
  static ApiWriter& writer() { return *cluster_->writer; }
  static const DaemonSetManifest& manifest() { return *cluster_->manifest; }
  // Empty at the test's begin; stands for the node's file system.
  std::string NodePath(const std::string& path) const {
    return folder_ + "/node" + path;
  }
  // Lets web/back reach web/front at this port, and no other.
  void AllowPort(int port);

  // The daemon, in the node's network namespace.
  void Start(const Confinement& confinement,
             const std::vector<std::string>& argv);
  NodeProcess& daemon() { return *daemon_; }
  // All that it wrote.
  std::string Log() const;
  // Another program beside it, to its end.
  ProgramResult Run(const Confinement& confinement,
                    const std::vector<std::string>& argv);
  // Until `condition` holds. The test fails after two minutes, and when the
  // daemon ends before.
  void Await(absl::string_view what, const std::function<bool()>& condition);

  // GET of 127.0.0.1 in the node's namespace: the status, 0 if there is none.
  int Http(int port, const std::string& path, std::string* body = nullptr);
  // Whether a TCP connection from web/back to web/front may begin.
  bool Reaches(uint16_t port);
  // iptables-legacy-save or iptables-nft-save of the table filter: chains of
  // ours and all rules. `flavour` is the word in the program's name.
  std::string FilterTable(const std::string& flavour);

 private:
  // What all tests share; as far as it could be made.
  struct SharedCluster {
    std::unique_ptr<PacketLab> lab;
    std::unique_ptr<ControlPlane> control_plane;
    std::unique_ptr<ApiWriter> writer;
    absl::optional<DaemonSetManifest> manifest;
    absl::Status status;
  };

  static absl::Status Prepare(SharedCluster& cluster);
  ProgramResult RunToEnd(const Program& program);

  static SharedCluster* cluster_;

  std::string folder_;
  std::unique_ptr<NodeProcess> daemon_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEPLOY_DEPLOYED_NODE_H_
