// What an API server has, and whether a state is the same.
#ifndef NETPOL_TESTS_APISERVER_SERVER_OBJECTS_H_
#define NETPOL_TESTS_APISERVER_SERVER_OBJECTS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/cluster.h"
#include "tests/apiserver/api_writer.h"

namespace netpol {

// All objects of the four kinds as of now, read as JSON and in one piece each:
// not as a source reads them.
absl::StatusOr<Cluster> ReadServer(ApiWriter& writer);

// OK if `state` is what `cluster` is, pods that have finished left out.
// FailedPrecondition names the first difference.
absl::Status CheckSame(const Cluster& cluster, const ClusterState& state);

// Deletes every node, and every namespace with what is in it, but those that
// the server makes itself.
absl::Status EmptyServer(ApiWriter& writer);

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_SERVER_OBJECTS_H_
