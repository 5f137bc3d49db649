#include "bench/rooms/warm_cluster.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "bench/rooms/parsed_event.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

// How many objects are tried before one is chosen.
constexpr size_t kTrials = 31;

[[noreturn]] void Missing(absl::string_view what) {
  std::cerr << "the workload has no " << what << " to make an event of\n";
  std::abort();
}

// `policy` without its last rule, of whichever direction.
k8s::NetworkPolicy Shortened(const k8s::NetworkPolicy& policy) {
  k8s::NetworkPolicy shorter = policy;
  k8s::NetworkPolicySpec& spec = *shorter.mutable_spec();
  if (spec.ingress_size() > 0) {
    spec.mutable_ingress()->RemoveLast();
  } else if (spec.egress_size() > 0) {
    spec.mutable_egress()->RemoveLast();
  }
  return shorter;
}

// `pod` with the labels of the next pod that has another label "app".
k8s::Pod Relabelled(const k8s::Pod& pod, const Cluster& cluster) {
  const auto app = [](const k8s::Pod& of) {
    auto it = of.metadata().labels().find("app");
    return it == of.metadata().labels().end() ? "" : it->second;
  };
  k8s::Pod changed = pod;
  for (auto next = cluster.pods.data() + (&pod - cluster.pods.data());
       next != cluster.pods.data() + cluster.pods.size(); ++next) {
    if (app(*next) == app(pod)) continue;
    *changed.mutable_metadata()->mutable_labels() = next->metadata().labels();
    return changed;
  }
  Missing("pod of another application");
}

bool IsLocal(const k8s::Pod& pod) {
  return pod.spec().node_name() == kWorkloadNode;
}

template <typename Trial>
const Trial& MedianOf(std::vector<Trial>& trials, absl::string_view what) {
  if (trials.empty()) Missing(what);
  // Stable, so that the choice is the same everywhere.
  std::stable_sort(
      trials.begin(), trials.end(),
      [](const Trial& a, const Trial& b) { return a.change < b.change; });
  return trials[trials.size() / 2];
}

size_t MembersIn(const RulesetChange& change) {
  size_t members = 0;
  for (const SetContent& set : change.sets) members += set.members.size();
  return members;
}

}  // namespace

WarmCluster& WarmCluster::Of(const std::string& workload) {
  static auto* const clusters =
      new absl::flat_hash_map<std::string, std::unique_ptr<WarmCluster>>;
  std::unique_ptr<WarmCluster>& cluster = (*clusters)[workload];
  if (cluster == nullptr) cluster.reset(new WarmCluster(workload));
  return *cluster;
}

WarmCluster::WarmCluster(const std::string& workload)
    : state_(std::string(kWorkloadNode)), compiler_(LayoutOptions(), &state_) {
  const Cluster cluster = MakeWorkload(NamedWorkload(workload), kBenchSeed);
  for (const auto& ns : cluster.namespaces)
    Tell(ParseEvent(Upsert(ns)), state_);
  for (const auto& pod : cluster.pods) Tell(ParseEvent(Upsert(pod)), state_);
  for (const auto& policy : cluster.policies)
    Tell(ParseEvent(Upsert(policy)), state_);
  everything_ = compiler_.Compile(state_.TakeDirty());
  const k8s::Pod& remote = FindRemotePods(cluster);
  const k8s::Pod& local = FindLocalPod(cluster);
  MakeNarrowPolicy(local, remote);
  FindPolicies(cluster);
  FindNamespace(cluster);
}

RulesetChange WarmCluster::Apply(const v1::WatchEvent& event) {
  Tell(ParseEvent(event), state_);
  return compiler_.Compile(state_.TakeDirty());
}

void WarmCluster::Add(absl::string_view name, EventPair pair,
                      absl::string_view reverse) {
  if (!reverse.empty())
    events_[std::string(reverse)] = {pair.back, pair.there, true};
  events_[std::string(name)] = std::move(pair);
}

const k8s::Pod& WarmCluster::FindRemotePods(const Cluster& cluster) {
  const auto members_of = [&](const k8s::Pod& pod) {
    const size_t members = Apply(Delete(pod)).members.size();
    Apply(Upsert(pod));
    return members;
  };
  std::vector<Trial<k8s::Pod>> trials;
  for (const k8s::Pod& pod : cluster.pods) {
    if (trials.size() == kTrials) break;
    if (IsLocal(pod)) continue;
    const size_t members = members_of(pod);
    if (members > 0) trials.push_back({&pod, members});
  }
  const k8s::Pod& remote = *MedianOf(trials, "remote pod").object;
  Trial<k8s::Pod> other;
  size_t tried = 0;
  for (auto pod = cluster.pods.rbegin();
       pod != cluster.pods.rend() && tried < kTrials; ++pod) {
    if (IsLocal(*pod)) continue;
    const size_t members = members_of(*pod);
    if (other.object == nullptr || members < other.change)
      other = {&*pod, members};
    ++tried;
  }
  Add("remote_pod_leaves", {Delete(remote), Upsert(remote)},
      "remote_pod_comes");
  Add("remote_pod_relabelled",
      {Upsert(Relabelled(remote, cluster)), Upsert(remote)});
  Add("other_pod_leaves", {Delete(*other.object), Upsert(*other.object)},
      "other_pod_comes");
  return remote;
}

const k8s::Pod& WarmCluster::FindLocalPod(const Cluster& cluster) {
  std::vector<Trial<k8s::Pod>> trials;
  for (const k8s::Pod& pod : cluster.pods) {
    if (trials.size() == kTrials) break;
    if (!IsLocal(pod)) continue;
    RulesetChange change = Apply(Delete(pod));
    Apply(Upsert(pod));
    const RulesetChange::Table& table = change.table(Family::kIPv4);
    if (table.gone_chains.empty()) continue;
    trials.push_back({&pod, table.chains.size() + table.gone_chains.size()});
  }
  const k8s::Pod& local = *MedianOf(trials, "isolated local pod").object;
  Add("local_pod_leaves", {Delete(local), Upsert(local)}, "local_pod_comes");
  return local;
}

void WarmCluster::MakeNarrowPolicy(const k8s::Pod& subject,
                                   const k8s::Pod& peer) {
  constexpr char kTemplate[] = "pod-template-hash";
  const auto label = peer.metadata().labels().find(kTemplate);
  if (label == peer.metadata().labels().end()) Missing("label of a template");
  const k8s::LabelSelector pods = MatchLabels({{kTemplate, label->second}});
  const k8s::NetworkPolicy policy =
      PolicyBuilder(subject.metadata().namespace_(), "narrow")
          .Types({"Ingress"})
          .Ingress({PodInNamespacePeer(MatchLabels(), pods)})
          .Build();
  Add("narrow_policy_comes", {Upsert(policy), Delete(policy)});
}

void WarmCluster::FindPolicies(const Cluster& cluster) {
  std::vector<Trial<k8s::NetworkPolicy>> trials;
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    if (trials.size() == kTrials) break;
    RulesetChange change = Apply(Upsert(Shortened(policy)));
    Apply(Upsert(policy));
    if (change.table(Family::kIPv4).chains.size() != 1) continue;
    Apply(Delete(policy));
    trials.push_back({&policy, MembersIn(Apply(Upsert(policy)))});
  }
  const k8s::NetworkPolicy& usual =
      *MedianOf(trials, "policy that has a chain here").object;
  const k8s::NetworkPolicy& wide = *trials.back().object;
  Add("policy_changes", {Upsert(Shortened(usual)), Upsert(usual)});
  Add("policy_leaves", {Delete(usual), Upsert(usual)}, "policy_comes");
  Add("wide_policy_leaves", {Delete(wide), Upsert(wide)}, "wide_policy_comes");
}

void WarmCluster::FindNamespace(const Cluster& cluster) {
  const auto batch = std::find_if(
      cluster.namespaces.begin(), cluster.namespaces.end(),
      [](const k8s::Namespace& ns) { return ns.metadata().name() == "batch"; });
  if (batch == cluster.namespaces.end()) Missing("namespace \"batch\"");
  // As the namespaces are labelled that policies of the workload choose.
  k8s::Namespace chosen = *batch;
  (*chosen.mutable_metadata()->mutable_labels())["example.org/data-access"] =
      "granted";
  Add("namespace_relabelled", {Upsert(chosen), Upsert(*batch)});
}

}  // namespace netpol
