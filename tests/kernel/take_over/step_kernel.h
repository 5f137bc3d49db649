// A kernel that stops after each thing that was done to it.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_STEP_KERNEL_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_STEP_KERNEL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "netpol/testing/forwarding_dataplane.h"

namespace netpol {

class StepKernel : public ForwardingDataplane {
 public:
  // `after` is called with what was done last, in the thread that did it.
  StepKernel(std::unique_ptr<Dataplane> kernel,
             std::function<void(absl::string_view)> after)
      : ForwardingDataplane(std::move(kernel)), after_(std::move(after)) {}

  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override {
    return Done("created", spec.name,
                ForwardingDataplane::CreateSet(spec, members));
  }
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return Done("added to", spec.name,
                ForwardingDataplane::AddMembers(spec, members));
  }
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override {
    return Done("removed from", spec.name,
                ForwardingDataplane::RemoveMembers(spec, members));
  }
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return Done("replaced", spec.name,
                ForwardingDataplane::ReplaceSet(spec, members));
  }
  absl::Status DestroySet(const SetName& name) override {
    return Done("destroyed", name, ForwardingDataplane::DestroySet(name));
  }
  absl::Status CommitTable(const TableChange& change) override {
    const absl::Status status = ForwardingDataplane::CommitTable(change);
    after_(absl::StrCat("committed ", FamilyName(change.family)));
    return status;
  }

 private:
  absl::Status Done(absl::string_view deed, const SetName& name,
                    absl::Status status) {
    after_(absl::StrCat(deed, " ", name.value()));
    return status;
  }

  const std::function<void(absl::string_view)> after_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_STEP_KERNEL_H_
