// What the DaemonSet that we ship asks of a cluster and of its nodes.
#ifndef NETPOL_TESTS_DEPLOY_DAEMON_SET_MANIFEST_H_
#define NETPOL_TESTS_DEPLOY_DAEMON_SET_MANIFEST_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace netpol {

struct HostPathMount {
  std::string volume;
  std::string host_path;
  std::string type;        // "DirectoryOrCreate"
  std::string mount_path;  // in the container
  bool read_only = false;
};

// netpol/daemon/deploy/daemonset.yaml. Its pod has one container.
class DaemonSetManifest {
 public:
  // InvalidArgument if it cannot be read, or has not one container.
  static absl::StatusOr<DaemonSetManifest> Read();

  // All documents, in their order.
  const std::vector<nlohmann::json>& objects() const { return objects_; }
  // The only one of this kind; null if there is none, or are several.
  nlohmann::json Object(absl::string_view kind) const;
  // spec.template.spec, and in it the container.
  const nlohmann::json& pod() const { return pod_; }
  const nlohmann::json& container() const { return container_; }

  std::vector<std::string> Arguments() const;
  std::vector<std::string> Capabilities() const;
  // "KEY=value", as a kubelet would set it for a pod on this node.
  // InvalidArgument if it takes a value from elsewhere.
  absl::StatusOr<std::vector<std::string>> Environment(
      const std::string& node_name) const;
  // InvalidArgument unless every volume is a hostPath that is mounted once, and
  // every mount is of a volume.
  absl::StatusOr<std::vector<HostPathMount>> Mounts() const;

 private:
  explicit DaemonSetManifest(std::vector<nlohmann::json> objects)
      : objects_(std::move(objects)) {}

  std::vector<nlohmann::json> objects_;
  nlohmann::json pod_;
  nlohmann::json container_;
};

// What `object` has at this JSON pointer ("/spec/0/name"); null if nothing.
nlohmann::json At(const nlohmann::json& object, const std::string& pointer);

// The same as text; empty if it is none.
std::string TextAt(const nlohmann::json& object, const std::string& pointer);

// The elements of a list of texts; others are left out.
std::vector<std::string> TextsAt(const nlohmann::json& object,
                                 const std::string& pointer);

}  // namespace netpol

#endif  // NETPOL_TESTS_DEPLOY_DAEMON_SET_MANIFEST_H_
