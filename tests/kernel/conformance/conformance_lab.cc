#include "tests/kernel/conformance/conformance_lab.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/kernel/conformance/matrix_probe.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

absl::Status CheckNothingWritten(const absl::StatusOr<SyncReport>& report) {
  RETURN_IF_ERROR(report.status());
  if (report->writes.total() == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("syncing again wrote ", report->writes.total(),
                   " times: the kernel was not as it was asked to be"));
}

size_t ObjectsIn(const Cluster& cluster) {
  return cluster.namespaces.size() + cluster.pods.size() +
         cluster.policies.size();
}

// Everything of `from` that `to` does not have.
template <typename Object>
void DeleteOthers(const std::vector<Object>& from,
                  const std::vector<Object>& to,
                  std::vector<v1::WatchEvent>& events) {
  for (const Object& object : from) {
    bool kept = false;
    for (const Object& other : to) {
      kept |= object.metadata().namespace_() == other.metadata().namespace_() &&
              object.metadata().name() == other.metadata().name();
    }
    if (!kept) events.push_back(Delete(object));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConformanceLab>> ConformanceLab::Create(
    Placement placement) {
  ASSIGN_OR_RETURN(std::unique_ptr<CaseLab> case_lab, CaseLab::Create());
  std::unique_ptr<ConformanceLab> lab(
      new ConformanceLab(placement, std::move(case_lab)));
  RETURN_IF_ERROR(lab->MakeController());
  RETURN_IF_ERROR(lab->Tell(ListingOf(MatrixCluster())));
  return lab;
}

absl::Status ConformanceLab::MakeController() {
  absl::Status made;
  RETURN_IF_ERROR(lab_->lab().RunOnNode([this, &made] {
    auto dataplane = OpenLabKernel();
    made = dataplane.status();
    if (!made.ok()) return;
    ControllerOptions options;
    options.node_name = kCaseNode;
    options.layout.families = {Family::kIPv4, Family::kIPv6};
    auto controller =
        Controller::Create(std::move(options), *std::move(dataplane));
    made = controller.status();
    if (made.ok()) controller_ = *std::move(controller);
  }));
  return made;
}

absl::Status ConformanceLab::Tell(absl::Span<const v1::WatchEvent> events) {
  for (v1::WatchEvent event : events) {
    if (event.type() == v1::WatchEvent::UPSERT && event.has_pod()) {
      Place(placement_, *event.mutable_pod());
    }
    RETURN_IF_ERROR(controller_->OnEvent(event));
    const size_t before = ObjectsIn(cluster_);
    ApplyEvent(event, cluster_);
    if (event.type() == v1::WatchEvent::DELETE &&
        ObjectsIn(cluster_) == before) {
      return absl::InvalidArgumentError(absl::StrCat(
          "deleting what is not there: ", event.ShortDebugString()));
    }
  }
  return absl::OkStatus();
}

absl::Status ConformanceLab::Reset() {
  const Cluster base = MatrixCluster();
  std::vector<v1::WatchEvent> events;
  DeleteOthers(cluster_.policies, base.policies, events);
  DeleteOthers(cluster_.pods, base.pods, events);
  DeleteOthers(cluster_.namespaces, base.namespaces, events);
  for (const k8s::Namespace& ns : base.namespaces) events.push_back(Upsert(ns));
  for (const k8s::Pod& pod : base.pods) events.push_back(Upsert(pod));
  return Tell(events);
}

absl::Status ConformanceLab::Settle() {
  absl::Status settled;
  RETURN_IF_ERROR(lab_->lab().RunOnNode([this, &settled] {
    settled = SyncThrice();
    settled.Update(FlushConntrack());
  }));
  return settled;
}

absl::Status ConformanceLab::SyncThrice() {
  ASSIGN_OR_RETURN(const SyncReport report, controller_->Sync());
  if (!report.problems.empty() || report.retry) {
    return absl::InternalError(
        absl::StrCat("syncing left something to do: ",
                     absl::StrJoin(report.problems, "; ")));
  }
  RETURN_IF_ERROR(CheckNothingWritten(controller_->Sync()));
  controller_->QueueResync();
  return CheckNothingWritten(controller_->Sync());
}

absl::StatusOr<TruthTable> ConformanceLab::ProbeMatrix(
    const MatrixExpectations& by_hand) {
  const std::vector<MatrixEnd> ends = EndsOf(cluster_);
  const std::vector<MatrixProbe> probes = ProbesBetween(ends);
  std::vector<Packet> packets;
  packets.reserve(probes.size());
  for (const MatrixProbe& probe : probes) packets.push_back(probe.packet);
  RETURN_IF_ERROR(lab_->Follow(cluster_, packets));
  ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                   lab_->Probe(packets));
  const NodeView view = ViewOfCaseNode();
  TruthTable table(ends);
  for (size_t i = 0; i < probes.size(); ++i) {
    const MatrixProbe& probe = probes[i];
    table.Add(
        {probe, outcomes[i], Evaluate(cluster_, view, probe.packet),
         ArrivesBy(by_hand, ends[probe.from], ends[probe.to], probe.packet)});
  }
  return table;
}

}  // namespace netpol
