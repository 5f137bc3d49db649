#include "tests/explain/told_cluster.h"

#include <utility>

#include "gtest/gtest.h"
#include "netpol/daemon/empty_kernel.h"
#include "netpol/explain/planned_snapshot.h"
#include "netpol/testing/cluster.h"

namespace netpol {
namespace {

LayoutOptions EnforcingBoth() {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  return layout;
}

}  // namespace

ToldCluster::ToldCluster() : ToldCluster(EnforcingBoth()) {}

ToldCluster::ToldCluster(LayoutOptions layout) {
  ControllerOptions options;
  options.node_name = kName;
  options.layout = std::move(layout);
  controller_ =
      *Controller::Create(std::move(options), std::make_unique<EmptyKernel>());
}

void ToldCluster::Tell(const v1::WatchEvent& event) {
  const absl::Status status = controller_->OnEvent(event);
  EXPECT_TRUE(status.ok()) << status;
}

void ToldCluster::Tell(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events) Tell(event);
}

Snapshot ToldCluster::WantedKernel() {
  if (!controller_->CheckKnown().ok()) Tell(ListingOf({}));
  const absl::StatusOr<Plan> plan = controller_->Preview();
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? PlannedSnapshot(*plan) : Snapshot();
}

}  // namespace netpol
