#include "tests/kernel/steady_traffic/steady_node.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/random_node.h"
#include "tests/kernel/lab/lab_cluster_options.h"
#include "tests/kernel/steady_traffic/conversations.h"

namespace netpol {
namespace {

// A set may be in use for a moment after its last rule is gone.
constexpr int kMaxSyncs = 5;

// Every probe of an allowed flow is remembered for so long: at ten thousand
// packets a second that must stay below what connection tracking can hold.
absl::Status ForgetSoon() {
  for (const char* key :
       {"nf_conntrack_udp_timeout", "nf_conntrack_tcp_timeout_syn_sent",
        "nf_conntrack_tcp_timeout_close",
        "nf_conntrack_sctp_timeout_cookie_wait"}) {
    const absl::Status status =
        WriteSysctl(absl::StrCat("net/netfilter/", key), "3");
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

}  // namespace

RandomClusterOptions SteadyClusterOptions() {
  RandomClusterOptions options = LabClusterOptions();
  // Who of two owners counts would depend on the order of events.
  options.shared_addresses = false;
  return options;
}

absl::StatusOr<std::unique_ptr<SteadyNode>> SteadyNode::Create(
    const RandomClusterOptions& options, KernelOpener open_kernel) {
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create());
  std::unique_ptr<SteadyNode> node(
      new SteadyNode(options, std::move(open_kernel), std::move(lab)));
  RETURN_IF_ERROR(node->AddAddresses());
  RETURN_IF_ERROR(node->lab_->node().Run(ForgetSoon));
  return node;
}

SteadyNode::SteadyNode(const RandomClusterOptions& options,
                       KernelOpener open_kernel, std::unique_ptr<PacketLab> lab)
    : options_(options),
      open_kernel_(std::move(open_kernel)),
      lab_(std::move(lab)) {}

absl::Status SteadyNode::AddAddresses() {
  for (size_t i = 0; i < options_.local_pods.size(); ++i) {
    RETURN_IF_ERROR(lab_->AddPod(absl::StrCat("pod-", i),
                                 AddressesIn({options_.local_pods[i]})));
  }
  RETURN_IF_ERROR(lab_->AddRemote(AddressesIn(options_.remote_pods)));
  return lab_->AddRemote(AddressesIn(options_.outside));
}

absl::Status SteadyNode::Restart(const Cluster& cluster) {
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel, open_kernel_());
  ControllerOptions options;
  options.node_name = options_.node;
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  ASSIGN_OR_RETURN(controller_,
                   Controller::Create(std::move(options), std::move(kernel)));
  ++work_.restarts;
  return Apply(ListingOf(cluster));
}

absl::Status SteadyNode::Apply(const std::vector<v1::WatchEvent>& events,
                               bool reread) {
  for (const v1::WatchEvent& event : events)
    RETURN_IF_ERROR(controller_->OnEvent(event));
  work_.events += static_cast<int64_t>(events.size());
  if (reread) {
    controller_->QueueResync();
    ++work_.resyncs;
  }
  return Sync();
}

absl::Status SteadyNode::Sync() {
  for (int attempt = 0; attempt < kMaxSyncs; ++attempt) {
    ASSIGN_OR_RETURN(const SyncReport report, controller_->Sync());
    if (!report.problems.empty()) {
      return absl::InternalError(
          absl::StrCat("a sync reports: ", report.problems.front()));
    }
    ++work_.syncs;
    work_.table_commits += static_cast<int64_t>(report.writes.table_commits);
    work_.set_messages += static_cast<int64_t>(report.writes.set_messages);
    work_.sets_created += report.sets_created;
    work_.sets_replaced += report.sets_replaced;
    work_.sets_destroyed += report.sets_destroyed;
    if (!report.retry) return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(kMaxSyncs, " syncs left something to do"));
}

std::vector<IpAddress> SteadyNode::Addresses() const {
  std::vector<IpAddress> addresses;
  for (const auto* pool : {&options_.local_pods, &options_.remote_pods,
                           &options_.outside, &options_.node_addresses}) {
    const std::vector<IpAddress> some = AddressesIn(*pool);
    addresses.insert(addresses.end(), some.begin(), some.end());
  }
  return addresses;
}

absl::StatusOr<int64_t> SteadyNode::Retransmissions() const {
  std::set<const NetNs*> namespaces;
  for (const IpAddress& address : Addresses()) {
    const NetNs* owner = lab_->OwnerOf(address);
    if (owner != nullptr) namespaces.insert(owner);
  }
  int64_t sum = 0;
  for (const NetNs* ns : namespaces) {
    ASSIGN_OR_RETURN(const int64_t count, TcpRetransmissions(*ns));
    sum += count;
  }
  return sum;
}

}  // namespace netpol
