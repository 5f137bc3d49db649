// Writes a cluster through an API server, doing what kubelets and controllers
// would do for it.
#ifndef NETPOL_TESTS_APISERVER_API_WRITER_H_
#define NETPOL_TESTS_APISERVER_API_WRITER_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/testing/cluster.h"
#include "nlohmann/json.hpp"
#include "proto/netpol/watch_event.pb.h"
#include "tests/apiserver/api_access.h"
#include "tests/apiserver/api_connection.h"

namespace netpol {

// An object's name and nothing else, for Get, Patch and Delete.
nlohmann::json ObjectName(absl::string_view api_version, absl::string_view kind,
                          absl::string_view ns, absl::string_view name);

// The path of `object` (apiVersion, kind, metadata.name and .namespace), or of
// its collection: "/api/v1/namespaces/web/pods".
std::string PathOf(const nlohmann::json& object);
std::string CollectionPathOf(const nlohmann::json& object);

// Objects are JSON with apiVersion and kind; see JsonOf() and JsonOfManifest().
// What only the server sets (uid, resourceVersion, timestamps) is not sent.
// Errors are those of StatusOf(), and name verb and path.
//
// Thread-safe.
class ApiWriter {
 public:
  explicit ApiWriter(ApiAccess access) : connection_(std::move(access)) {}

  // POST, and for a pod with `status` the status behind it, which the server
  // leaves out of a POST: that makes its addresses known.
  absl::Status Create(const nlohmann::json& object);

  // PUT over whatever is there; of a pod or node the status too, which then has
  // the addresses in `object` and no others.
  absl::Status Replace(const nlohmann::json& object);

  // Makes the server's object this one: Create, else Replace, else, for a pod
  // or node with a change that the server does not allow, Delete and Create. A
  // pod with a deletionTimestamp is left as one that is terminating.
  absl::Status Apply(const nlohmann::json& object);

  // A merge patch (RFC 7386), of the subresource ("status") if one is given.
  absl::Status Patch(const nlohmann::json& object,
                     const nlohmann::json& merge_patch,
                     absl::string_view subresource = "");

  // Away at once: without the grace that a pod's kubelet would keep to, and of
  // a namespace with its pods and policies, as its controller would do.
  absl::Status Delete(const nlohmann::json& object);

  // As a user's delete: a pod that runs is terminating from then on and stays,
  // as there is no kubelet, until Delete().
  absl::Status Terminate(const nlohmann::json& pod);

  absl::StatusOr<nlohmann::json> Get(const nlohmann::json& object);

  // Does what the event says, as Apply and Delete do; deleting what is not
  // there is well. Begins and ends of listings mean nothing here.
  absl::Status ApplyEvent(const v1::WatchEvent& event);

  // Applies all of `cluster`: namespaces, nodes, policies, pods, each kind by
  // several threads. The first error.
  absl::Status ApplyCluster(const Cluster& cluster);

  // A new token of a service account, which is made if it is not there; good
  // for an hour. The user is "system:serviceaccount:NS:NAME". The server
  // refuses it some seconds (10, its cache) after the account was deleted, also
  // if another one of its name was made.
  absl::StatusOr<std::string> NewToken(absl::string_view ns,
                                       absl::string_view name);

  // Any other request, with a 2xx status.
  absl::StatusOr<std::string> Send(const ApiRequest& request);

  ApiConnection& connection() { return connection_; }

 private:
  absl::Status EmptyNamespace(const nlohmann::json& ns);

  ApiConnection connection_;
};

// Calls `work` with 0 … count-1, by this many threads at a time. Returns the
// first error; what was not yet begun then is not done.
absl::Status InParallel(size_t count, int threads,
                        const std::function<absl::Status(size_t)>& work);

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_API_WRITER_H_
