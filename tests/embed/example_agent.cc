#include "tests/embed/example_agent.h"

#include <utility>

#include "netpol/base/status_macros.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {
namespace {

v1::WatchEvent EventOf(v1::WatchEvent::Type type) {
  v1::WatchEvent event;
  event.set_type(type);
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExampleAgent>> ExampleAgent::Create(
    absl::string_view node_name, std::unique_ptr<Dataplane> kernel) {
  ControllerOptions options;
  options.node_name = std::string(node_name);
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  ASSIGN_OR_RETURN(const IpPrefix services, IpPrefix::Parse("10.43.0.0/16"));
  options.layout.cluster_ip_ranges = {services};
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                   Controller::Create(std::move(options), std::move(kernel)));
  return std::unique_ptr<ExampleAgent>(new ExampleAgent(std::move(controller)));
}

absl::Status ExampleAgent::OnNamespace(
    absl::string_view name, const std::map<std::string, std::string>& labels) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  k8s::ObjectMeta* metadata = event.mutable_namespace_()->mutable_metadata();
  metadata->set_name(std::string(name));
  metadata->mutable_labels()->insert(labels.begin(), labels.end());
  return controller_->OnEvent(event);
}

absl::Status ExampleAgent::OnPod(const RuntimePod& pod) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  k8s::Pod* told = event.mutable_pod();
  told->mutable_metadata()->set_namespace_(pod.name_space);
  told->mutable_metadata()->set_name(pod.name);
  told->mutable_metadata()->mutable_labels()->insert(pod.labels.begin(),
                                                     pod.labels.end());
  told->mutable_spec()->set_node_name(pod.node);
  told->mutable_status()->set_phase("Running");
  for (const std::string& address : pod.addresses)
    told->mutable_status()->add_pod_ips()->set_ip(address);
  return controller_->OnEvent(event);
}

absl::Status ExampleAgent::OnPodGone(absl::string_view name_space,
                                     absl::string_view name) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::DELETE);
  k8s::ObjectMeta* metadata = event.mutable_pod()->mutable_metadata();
  metadata->set_namespace_(std::string(name_space));
  metadata->set_name(std::string(name));
  return controller_->OnEvent(event);
}

absl::Status ExampleAgent::OnPolicy(absl::string_view protobuf) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  if (!event.mutable_network_policy()->ParseFromArray(
          protobuf.data(), static_cast<int>(protobuf.size()))) {
    return absl::InvalidArgumentError("the bytes are no NetworkPolicy");
  }
  return controller_->OnEvent(event);
}

absl::Status ExampleAgent::OnSourceListed() {
  for (const auto kind : {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD,
                          v1::WatchEvent::NETWORK_POLICY}) {
    v1::WatchEvent event = EventOf(v1::WatchEvent::LISTED);
    event.set_listed_kind(kind);
    RETURN_IF_ERROR(controller_->OnEvent(event));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExampleAgent::Preview() {
  ASSIGN_OR_RETURN(const Plan plan, controller_->Preview());
  return plan.ToString();
}

}  // namespace netpol
