#include "tests/apiserver/server_objects.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"
#include "netpol/watch/kube/list_decoder.h"

namespace netpol {
namespace {

absl::Status ReadList(ApiWriter& writer, const std::string& target,
                      v1::WatchEvent::Kind kind, Cluster& cluster) {
  ApiRequest request;
  request.target = target;
  ASSIGN_OR_RETURN(const std::string body, writer.Send(request));
  absl::Status bad;
  ASSIGN_OR_RETURN(
      const std::unique_ptr<ListDecoder> decoder,
      ListDecoder::Create(
          "application/json", kind,
          [&](const v1::WatchEvent& event) { ApplyEvent(event, cluster); },
          [&](const absl::Status& why) { bad.Update(why); }));
  RETURN_IF_ERROR(decoder->Append(body));
  RETURN_IF_ERROR(decoder->Finish());
  return bad;
}

absl::Status Differs(const std::string& what, size_t server, size_t state) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": the server has ", server, ", the state ", state));
}

absl::Status CheckPods(const Cluster& cluster, const ClusterState& state) {
  size_t running = 0;
  for (const k8s::Pod& wire : cluster.pods) {
    ASSIGN_OR_RETURN(const Pod pod, ParsePod(wire));
    if (pod.unseen == Pod::Unseen::kFinished) continue;
    ++running;
    const Pod* const known = state.FindPod(pod.key);
    if (known == nullptr || !(*known == pod)) {
      return absl::FailedPreconditionError(
          absl::StrCat("pod ", pod.key.ToString(),
                       known == nullptr ? " is missing" : " is another"));
    }
  }
  return running == state.pod_count()
             ? absl::OkStatus()
             : Differs("pods", running, state.pod_count());
}

absl::Status CheckPolicies(const Cluster& cluster, const ClusterState& state) {
  for (const k8s::NetworkPolicy& wire : cluster.policies) {
    ASSIGN_OR_RETURN(const NetworkPolicy policy, ParseNetworkPolicy(wire));
    const NetworkPolicy* const known = state.FindPolicy(policy.key);
    if (known == nullptr || !(*known == policy)) {
      return absl::FailedPreconditionError(
          absl::StrCat("policy ", policy.key.ToString(),
                       known == nullptr ? " is missing" : " is another"));
    }
  }
  return cluster.policies.size() == state.policy_count()
             ? absl::OkStatus()
             : Differs("policies", cluster.policies.size(),
                       state.policy_count());
}

}  // namespace

absl::StatusOr<Cluster> ReadServer(ApiWriter& writer) {
  Cluster cluster;
  RETURN_IF_ERROR(ReadList(writer, "/api/v1/namespaces",
                           v1::WatchEvent::NAMESPACE, cluster));
  RETURN_IF_ERROR(
      ReadList(writer, "/api/v1/pods", v1::WatchEvent::POD, cluster));
  RETURN_IF_ERROR(
      ReadList(writer, "/api/v1/nodes", v1::WatchEvent::NODE, cluster));
  RETURN_IF_ERROR(ReadList(writer, "/apis/networking.k8s.io/v1/networkpolicies",
                           v1::WatchEvent::NETWORK_POLICY, cluster));
  return cluster;
}

absl::Status CheckSame(const Cluster& cluster, const ClusterState& state) {
  if (cluster.namespaces.size() != state.namespace_count()) {
    return Differs("namespaces", cluster.namespaces.size(),
                   state.namespace_count());
  }
  RETURN_IF_ERROR(CheckPods(cluster, state));
  return CheckPolicies(cluster, state);
}

absl::Status EmptyServer(ApiWriter& writer) {
  const std::set<std::string> lasting = {"default", "kube-node-lease",
                                         "kube-public", "kube-system"};
  ASSIGN_OR_RETURN(const Cluster cluster, ReadServer(writer));
  // In every namespace, then those that may go.
  for (const k8s::NetworkPolicy& policy : cluster.policies)
    RETURN_IF_ERROR(writer.ApplyEvent(Delete(policy)));
  for (const k8s::Pod& pod : cluster.pods)
    if (lasting.count(pod.metadata().namespace_()) > 0)
      RETURN_IF_ERROR(writer.ApplyEvent(Delete(pod)));
  for (const k8s::Namespace& ns : cluster.namespaces)
    if (lasting.count(ns.metadata().name()) == 0)
      RETURN_IF_ERROR(writer.ApplyEvent(Delete(ns)));
  for (const k8s::Node& node : cluster.nodes)
    RETURN_IF_ERROR(writer.ApplyEvent(Delete(node)));
  return absl::OkStatus();
}

}  // namespace netpol
