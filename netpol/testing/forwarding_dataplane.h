// A Dataplane that stands before another one.
#ifndef NETPOL_TESTING_FORWARDING_DATAPLANE_H_
#define NETPOL_TESTING_FORWARDING_DATAPLANE_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// Hands every call on to the kernel behind it, and the answer back; whoever
// wants to look or to step in overrides that call. As thread-safe as the
// kernel.
class ForwardingDataplane : public Dataplane {
 public:
  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override {
    return kernel_->Read(families);
  }
  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override {
    return kernel_->CreateSet(spec, members);
  }
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return kernel_->AddMembers(spec, members);
  }
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override {
    return kernel_->RemoveMembers(spec, members);
  }
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return kernel_->ReplaceSet(spec, members);
  }
  absl::Status DestroySet(const SetName& name) override {
    return kernel_->DestroySet(name);
  }
  absl::Status CommitTable(const TableChange& change) override {
    return kernel_->CommitTable(change);
  }
  std::vector<KeptChain> kept_chains(Family family) const override {
    return kernel_->kept_chains(family);
  }
  absl::StatusOr<Glance> Look(absl::Span<const Family> families) override {
    return kernel_->Look(families);
  }
  WriteCounts writes() const override { return kernel_->writes(); }

 protected:
  explicit ForwardingDataplane(std::unique_ptr<Dataplane> kernel)
      : kernel_(std::move(kernel)) {}

 private:
  std::unique_ptr<Dataplane> kernel_;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_FORWARDING_DATAPLANE_H_
