// The objects of a cluster, followed at its API server.
#ifndef NETPOL_WATCH_KUBE_KUBE_SOURCE_H_
#define NETPOL_WATCH_KUBE_KUBE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/watch_source.h"

namespace netpol {

struct KubeSourceOptions {
  ApiServerConfig server;
  // Only this node's Node object is followed.
  std::string node_name;
  // "netpolctl/1.0": goes into the User-Agent, with the platform.
  std::string program;
  // See ReflectorOptions.
  bool stream_lists = true;
  int page_size = 500;
  bool http1_only = false;
};

// Namespaces, pods, NetworkPolicies and one Node, by list and watch over HTTPS.
// Poll() never fails for good: whatever is wrong with the server, the
// credentials or the network is told as its error, when it happens, and tried
// again with growing delays; what was told before stands. A list is told from
// LISTING to LISTED (watch_event.proto), also when it is read anew. Pods that
// have finished are told as deleted.
class KubeSource : public WatchSource {
 public:
  // InvalidArgument for a configuration that cannot work.
  static absl::StatusOr<std::unique_ptr<KubeSource>> Create(
      KubeSourceOptions options);
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBE_SOURCE_H_
