#include "tests/kernel/walk/walk_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/random_node.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/walk/ruleset_difference.h"
#include "tests/kernel/walk/save_text.h"

namespace netpol {
namespace {

constexpr Family kBoth[] = {Family::kIPv4, Family::kIPv6};

// A set may be in use for a moment after its last rule is gone.
constexpr int kMaxSyncs = 5;

ControllerOptions OptionsOf(const WalkSetup& setup) {
  ControllerOptions options;
  options.node_name = setup.options.node;
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  // Few pods here are selected by so many as would be joined else.
  options.layout.most_chains_in_a_row = 2;
  return options;
}

template <typename List>
bool Has(const List& list, const IpAddress& address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

bool Concerns(const std::vector<Packet>& packets,
              const std::vector<IpAddress>& addresses) {
  for (const Packet& packet : packets) {
    if (Has(addresses, packet.source) || Has(addresses, packet.destination)) {
      return true;
    }
  }
  return false;
}

absl::optional<WalkFailure> FailureIf(WalkLaw law, const std::string& what) {
  if (what.empty()) return absl::nullopt;
  return WalkFailure{law, what};
}

}  // namespace

void WalkTally::Add(const WalkTally& other) {
  allowed += other.allowed;
  denied += other.denied;
  syncs += other.syncs;
  writes += other.writes;
  tampered += other.tampered;
}

absl::StatusOr<std::unique_ptr<WalkNode>> WalkNode::Create(
    const WalkSetup& setup, const absl::optional<std::vector<Packet>>& only) {
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create());
  std::unique_ptr<WalkNode> node(new WalkNode(setup, std::move(lab)));
  RETURN_IF_ERROR(node->AddAddresses(only));
  absl::Status started;
  RETURN_IF_ERROR(node->lab_->RunOnNode([&] { started = node->Start(); }));
  RETURN_IF_ERROR(started);
  return node;
}

WalkNode::WalkNode(const WalkSetup& setup, std::unique_ptr<PacketLab> lab)
    : setup_(setup), lab_(std::move(lab)), tamperer_(lab_.get()) {}

absl::Status WalkNode::AddAddresses(
    const absl::optional<std::vector<Packet>>& only) {
  for (size_t i = 0; i < setup_.options.local_pods.size(); ++i) {
    const std::vector<IpAddress> addresses =
        AddressesIn({setup_.options.local_pods[i]});
    if (only && !Concerns(*only, addresses)) continue;
    RETURN_IF_ERROR(lab_->AddPod(absl::StrCat("pod-", i), addresses));
  }
  for (const auto* pool :
       {&setup_.options.remote_pods, &setup_.options.outside}) {
    RETURN_IF_ERROR(lab_->AddRemote(AddressesIn(*pool)));
  }
  return absl::OkStatus();
}

absl::Status WalkNode::Start() {
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel, setup_.open_kernel());
  ASSIGN_OR_RETURN(controller_,
                   Controller::Create(OptionsOf(setup_), std::move(kernel)));
  for (const v1::WatchEvent& event : ListingOf(cluster_)) {
    RETURN_IF_ERROR(controller_->OnEvent(event));
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<WalkFailure>> WalkNode::Take(
    const v1::WalkStep& step) {
  ASSIGN_OR_RETURN(const bool tampered, TamperAsIn(step));
  absl::Status done;
  RETURN_IF_ERROR(lab_->RunOnNode([&] { done = TakeOnNode(step, tampered); }));
  if (done.ok()) return absl::optional<WalkFailure>();
  return FailureIf(WalkLaw::kSync, done.ToString());
}

absl::StatusOr<bool> WalkNode::TamperAsIn(const v1::WalkStep& step) {
  bool any = false;
  for (const v1::WalkTampering& tampering : step.tampering()) {
    ASSIGN_OR_RETURN(const bool changed, tamperer_.Tamper(tampering));
    any |= changed;
    tally_.tampered += changed ? 1 : 0;
  }
  return any;
}

absl::Status WalkNode::TakeOnNode(const v1::WalkStep& step, bool tampered) {
  if (step.forget_connections()) RETURN_IF_ERROR(FlushConntrack());
  if (step.restart()) RETURN_IF_ERROR(Start());
  if (step.resync() || tampered) controller_->QueueResync();
  for (const v1::WatchEvent& event : step.event()) {
    RETURN_IF_ERROR(controller_->OnEvent(event));
    ApplyEvent(event, cluster_);
  }
  RETURN_IF_ERROR(Sync());
  return tampered ? CheckNothingToDo() : absl::OkStatus();
}

absl::Status WalkNode::CheckNothingToDo() {
  controller_->QueueResync();
  ASSIGN_OR_RETURN(const Plan plan, controller_->Preview());
  if (plan.empty()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "after a repair there is something to do still: ", plan.ToString()));
}

absl::Status WalkNode::Sync() {
  bool wrote = false;
  for (int attempt = 0; attempt < kMaxSyncs; ++attempt) {
    ASSIGN_OR_RETURN(const SyncReport report, controller_->Sync());
    if (!report.problems.empty()) {
      return absl::InternalError(
          absl::StrCat("a sync reports: ", report.problems.front()));
    }
    wrote |= report.writes.total() > 0;
    if (report.retry) continue;
    ++tally_.syncs;
    if (wrote) ++tally_.writes;
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(kMaxSyncs, " syncs left something to do"));
}

absl::StatusOr<Snapshot> WalkNode::ReadKernel() const {
  absl::StatusOr<Snapshot> snapshot;
  RETURN_IF_ERROR(lab_->RunOnNode([&] {
    const absl::StatusOr<std::unique_ptr<LinuxDataplane>> kernel =
        OpenLabKernel();
    snapshot = kernel.ok() ? (*kernel)->Read(kBoth) : kernel.status();
  }));
  return snapshot;
}

absl::StatusOr<Snapshot> WalkNode::FromScratch() const {
  auto owned = std::make_unique<FakeDataplane>();
  FakeDataplane* fake = owned.get();
  ASSIGN_OR_RETURN(const std::unique_ptr<Controller> controller,
                   Controller::Create(OptionsOf(setup_), std::move(owned)));
  for (const v1::WatchEvent& event : ListingOf(cluster_)) {
    RETURN_IF_ERROR(controller->OnEvent(event));
  }
  RETURN_IF_ERROR(controller->Sync().status());
  return fake->state();
}

absl::StatusOr<absl::optional<WalkFailure>> WalkNode::CheckRuleset() {
  if (!setup_.compare_rulesets) return absl::optional<WalkFailure>();
  ASSIGN_OR_RETURN(const Snapshot actual, ReadKernel());
  ASSIGN_OR_RETURN(const Snapshot right, FromScratch());
  return FailureIf(WalkLaw::kRuleset, RulesetDifference(actual, right));
}

absl::StatusOr<absl::optional<WalkFailure>> WalkNode::CheckSaveText() {
  if (!setup_.compare_rulesets) return absl::optional<WalkFailure>();
  ASSIGN_OR_RETURN(const Snapshot right, FromScratch());
  ASSIGN_OR_RETURN(const std::string difference,
                   SaveTextDifference(*lab_, right));
  return FailureIf(WalkLaw::kSaveText, difference);
}

absl::StatusOr<absl::optional<WalkFailure>> WalkNode::CheckVerdicts(
    const std::vector<Packet>& packets) {
  std::vector<ProbeSpec> specs;
  for (const Packet& packet : packets) {
    specs.push_back({packet.source, packet.destination, packet.protocol,
                     packet.destination_port});
  }
  ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                   lab_->Probe(specs));
  WalkFailure failure;
  failure.law = WalkLaw::kVerdict;
  for (size_t i = 0; i < packets.size(); ++i) {
    const Verdict verdict = setup_.judge(cluster_, setup_.view, packets[i]);
    if (outcomes[i] ==
        (verdict.allowed ? ProbeOutcome::kAllowed : ProbeOutcome::kRejected)) {
      ++(verdict.allowed ? tally_.allowed : tally_.denied);
      continue;
    }
    if (failure.packets.empty()) {
      failure.let_through = outcomes[i] == ProbeOutcome::kAllowed;
    }
    failure.packets.push_back(packets[i]);
    absl::StrAppend(&failure.what, packets[i].ToString(), " is ",
                    outcomes[i] == ProbeOutcome::kAllowed    ? "allowed"
                    : outcomes[i] == ProbeOutcome::kRejected ? "rejected"
                                                             : "lost",
                    ", but: ", verdict.reason, "\n");
  }
  if (failure.packets.empty()) return absl::optional<WalkFailure>();
  return absl::optional<WalkFailure>(std::move(failure));
}

bool WalkNode::IsJudged(const Packet& packet) const {
  return !IsForNodePort(setup_.view, packet) &&
         lab_->OwnerOf(packet.source) != lab_->OwnerOf(packet.destination);
}

}  // namespace netpol
