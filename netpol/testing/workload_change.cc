#include "netpol/testing/workload_change.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"
#include "netpol/testing/workload_policy.h"

namespace netpol {
namespace {

WorkloadChange Leaves(const k8s::Pod& pod) {
  return {Delete(pod), Upsert(pod)};
}

WorkloadChange ChangesLabel(const k8s::Pod& pod) {
  k8s::Pod changed = pod;
  (*changed.mutable_metadata()->mutable_labels())["app"] = "retired";
  return {Upsert(changed), Upsert(pod)};
}

// As a heartbeat does: what nobody reads here is different.
template <typename Object>
WorkloadChange StaysAsItIs(const Object& object) {
  Object touched = object;
  (*touched.mutable_metadata()->mutable_annotations())["example.org/seen"] =
      "again";
  return {Upsert(touched), Upsert(object)};
}

// One more port in each rule that names ports at all; in each direction.
WorkloadChange AllowsOneMorePort(const k8s::NetworkPolicy& policy) {
  k8s::NetworkPolicy changed = policy;
  const k8s::NetworkPolicyPort port = NumberPort("TCP", 9999);
  for (auto& rule : *changed.mutable_spec()->mutable_ingress()) {
    if (rule.ports_size() > 0) *rule.add_ports() = port;
  }
  for (auto& rule : *changed.mutable_spec()->mutable_egress()) {
    if (rule.ports_size() > 0) *rule.add_ports() = port;
  }
  return {Upsert(changed), Upsert(policy)};
}

// Draws changes of different objects.
class ChangeDraw {
 public:
  ChangeDraw(const WorkloadPlan& plan, uint64_t seed)
      : plan_(plan), random_(seed) {}

  // Of nothing that an earlier call gave; false if none was found.
  bool Draw(WorkloadChange& change);

 private:
  enum class Part { kNear, kFar };
  // What may happen, in so many of 100 draws.
  struct Happening {
    int share;
    bool (ChangeDraw::*draw)(Part part, WorkloadChange& change);
    Part part;
  };
  static const std::vector<Happening>& Happenings();

  bool RemotePodLeaves(Part part, WorkloadChange& change);
  bool RemotePodChangesLabel(Part part, WorkloadChange& change);
  bool RemotePodStaysAsItIs(Part part, WorkloadChange& change);
  bool LocalPodLeaves(Part part, WorkloadChange& change);
  bool PolicyChanges(Part part, WorkloadChange& change);
  bool NodeStaysAsItIs(Part part, WorkloadChange& change);

  // A number in [0, near) or [near, all), not drawn before of `drawn`; -1 if
  // there is none.
  int DrawNumber(Part part, int near, int all, absl::flat_hash_set<int>& drawn);
  int DrawRemotePod(Part part);

  const WorkloadPlan& plan_;
  Random random_;
  absl::flat_hash_set<int> pods_;  // remote ones, and local ones in vain
  absl::flat_hash_set<int> local_pods_;
  absl::flat_hash_set<int> policies_;
  absl::flat_hash_set<int> nodes_;
};

const std::vector<ChangeDraw::Happening>& ChangeDraw::Happenings() {
  static const auto* const kHappenings = new std::vector<Happening>{
      {40, &ChangeDraw::RemotePodLeaves, Part::kNear},
      {15, &ChangeDraw::RemotePodLeaves, Part::kFar},
      {10, &ChangeDraw::RemotePodChangesLabel, Part::kNear},
      {10, &ChangeDraw::RemotePodStaysAsItIs, Part::kNear},
      {10, &ChangeDraw::RemotePodStaysAsItIs, Part::kFar},
      {5, &ChangeDraw::NodeStaysAsItIs, Part::kNear},
      {4, &ChangeDraw::LocalPodLeaves, Part::kNear},
      {2, &ChangeDraw::PolicyChanges, Part::kNear},
      {4, &ChangeDraw::PolicyChanges, Part::kFar},
  };
  return *kHappenings;
}

bool ChangeDraw::Draw(WorkloadChange& change) {
  int draw = random_.Between(0, 99);
  for (const Happening& happening : Happenings()) {
    draw -= happening.share;
    if (draw < 0) return (this->*happening.draw)(happening.part, change);
  }
  return false;
}

int ChangeDraw::DrawNumber(Part part, int near, int all,
                           absl::flat_hash_set<int>& drawn) {
  const int first = part == Part::kNear ? 0 : near;
  const int end = part == Part::kNear ? near : all;
  if (first == end) return -1;
  const int number = random_.Between(first, end - 1);
  return drawn.insert(number).second ? number : -1;
}

int ChangeDraw::DrawRemotePod(Part part) {
  const int pod =
      DrawNumber(part, plan_.shape().near_pods, plan_.shape().pods, pods_);
  return pod >= 0 && plan_.IsLocal(pod) ? -1 : pod;
}

bool ChangeDraw::RemotePodLeaves(Part part, WorkloadChange& change) {
  const int pod = DrawRemotePod(part);
  if (pod >= 0) change = Leaves(plan_.MakePod(pod));
  return pod >= 0;
}

bool ChangeDraw::RemotePodChangesLabel(Part part, WorkloadChange& change) {
  const int pod = DrawRemotePod(part);
  if (pod >= 0) change = ChangesLabel(plan_.MakePod(pod));
  return pod >= 0;
}

bool ChangeDraw::RemotePodStaysAsItIs(Part part, WorkloadChange& change) {
  const int pod = DrawRemotePod(part);
  if (pod >= 0) change = StaysAsItIs(plan_.MakePod(pod));
  return pod >= 0;
}

bool ChangeDraw::LocalPodLeaves(Part, WorkloadChange& change) {
  const std::vector<int>& local = plan_.local_pods();
  if (local.empty()) return false;
  const int pod = random_.Pick(local);
  if (!local_pods_.insert(pod).second) return false;
  change = Leaves(plan_.MakePod(pod));
  return true;
}

bool ChangeDraw::PolicyChanges(Part part, WorkloadChange& change) {
  const int policy = DrawNumber(part, plan_.shape().near_policies,
                                plan_.shape().policies, policies_);
  if (policy >= 0)
    change = AllowsOneMorePort(MakeWorkloadPolicy(plan_, policy));
  return policy >= 0;
}

bool ChangeDraw::NodeStaysAsItIs(Part, WorkloadChange& change) {
  const int nodes = plan_.shape().nodes;
  const int node = DrawNumber(Part::kNear, nodes, nodes, nodes_);
  if (node >= 0) change = StaysAsItIs(plan_.MakeNodeOf(node));
  return node >= 0;
}

}  // namespace

WorkloadChanges::WorkloadChanges(const WorkloadShape& shape, uint64_t seed)
    : plan_(shape, seed) {}

absl::StatusOr<k8s::Pod> WorkloadChanges::NamedRemotePod() const {
  // Named by kPeerPolicy.
  const WorkloadApplication& application =
      plan_.application(kPlatformSpaces, 1);
  for (int i = 0; i < application.pods; ++i) {
    if (!plan_.IsLocal(application.first_pod + i))
      return plan_.MakePodOf(application, i);
  }
  return absl::NotFoundError(
      absl::StrCat("workload ", plan_.shape().name,
                   " has no remote pod that a policy surely names"));
}

absl::StatusOr<k8s::Pod> WorkloadChanges::IsolatedLocalPod() const {
  // Selected by kPeerPolicy.
  const WorkloadApplication& application =
      plan_.application(kPlatformSpaces, 0);
  for (int i = 0; i < application.pods; ++i) {
    if (plan_.IsLocal(application.first_pod + i))
      return plan_.MakePodOf(application, i);
  }
  return absl::NotFoundError(
      absl::StrCat("workload ", plan_.shape().name,
                   " has no local pod that a policy surely selects"));
}

absl::StatusOr<k8s::Pod> WorkloadChanges::FarPod() const {
  if (plan_.shape().near_pods < plan_.shape().pods)
    return plan_.MakePod(plan_.shape().near_pods);
  return absl::NotFoundError(
      absl::StrCat("workload ", plan_.shape().name, " has no far pods"));
}

absl::StatusOr<WorkloadChange> WorkloadChanges::RemotePodLeaves() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, NamedRemotePod());
  return Leaves(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::RemotePodChangesLabel() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, NamedRemotePod());
  return ChangesLabel(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::RemotePodStaysAsItIs() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, NamedRemotePod());
  return StaysAsItIs(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::FarPodLeaves() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, FarPod());
  return Leaves(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::LocalPodLeaves() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, IsolatedLocalPod());
  return Leaves(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::LocalPodChangesLabel() const {
  ASSIGN_OR_RETURN(const k8s::Pod pod, IsolatedLocalPod());
  return ChangesLabel(pod);
}

absl::StatusOr<WorkloadChange> WorkloadChanges::PolicyChanges() const {
  RETURN_IF_ERROR(IsolatedLocalPod().status());
  return AllowsOneMorePort(MakeWorkloadPolicy(plan_, kPeerPolicy));
}

absl::StatusOr<WorkloadChange> WorkloadChanges::PolicyLeaves() const {
  RETURN_IF_ERROR(IsolatedLocalPod().status());
  const k8s::NetworkPolicy policy = MakeWorkloadPolicy(plan_, kPeerPolicy);
  return WorkloadChange{Delete(policy), Upsert(policy)};
}

absl::StatusOr<WorkloadChange> WorkloadChanges::FarPolicyChanges() const {
  const WorkloadShape& shape = plan_.shape();
  for (int i = shape.near_policies; i < shape.policies; ++i) {
    const k8s::NetworkPolicy policy = MakeWorkloadPolicy(plan_, i);
    if (policy.spec().ingress_size() > 0 &&
        policy.spec().ingress(0).ports_size() > 0)
      return AllowsOneMorePort(policy);
  }
  return absl::NotFoundError(
      absl::StrCat("workload ", shape.name, " has no far policy with a port"));
}

absl::StatusOr<WorkloadChange> WorkloadChanges::NamespaceChangesLabel() const {
  const k8s::Namespace ns = plan_.MakeNamespaceOf(kBatchSpace);
  k8s::Namespace changed = ns;
  (*changed.mutable_metadata()->mutable_labels())[kAccessLabel] = "granted";
  return WorkloadChange{Upsert(changed), Upsert(ns)};
}

int WorkloadChanges::pods_of_moving_namespace() const {
  const WorkloadSpace& batch = plan_.spaces()[kBatchSpace];
  int pods = 0;
  for (int i = 0; i < batch.applications; ++i)
    pods += plan_.application(kBatchSpace, i).pods;
  return pods;
}

std::vector<v1::WatchEvent> WorkloadChanges::MixedStream(int count,
                                                         uint64_t seed) const {
  constexpr size_t kMostObjects = 512;
  ChangeDraw draw(plan_, seed);
  std::vector<WorkloadChange> changes;
  WorkloadChange change;
  for (int tries = 0; tries < 4096 && changes.size() < kMostObjects; ++tries) {
    if (draw.Draw(change)) changes.push_back(change);
  }
  Random random(seed + 1);
  std::vector<v1::WatchEvent> stream;
  std::vector<bool> away(changes.size(), false);
  int left = count;
  int away_count = 0;
  while (left > away_count + 1) {
    const size_t which = random.Below(changes.size());
    away[which] = !away[which];
    away_count += away[which] ? 1 : -1;
    stream.push_back(away[which] ? changes[which].forth : changes[which].back);
    --left;
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    if (away[i]) stream.push_back(changes[i].back);
  }
  // An odd rest: what is there is told once more.
  if (stream.size() < static_cast<size_t>(count))
    stream.push_back(changes.front().back);
  return stream;
}

}  // namespace netpol
