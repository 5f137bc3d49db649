// A kernel that others may look at, and step in, before each write.
#ifndef NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TAPPED_KERNEL_H_
#define NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TAPPED_KERNEL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "netpol/sync/dataplane.h"
#include "netpol/testing/forwarding_dataplane.h"

namespace netpol {

// What is about to be done: to a set, or (`table`) to a family's filter table.
struct KernelWrite {
  const SetSpec* set = nullptr;
  bool makes_set = false;  // A set that is not there yet.
  const TableChange* table = nullptr;
  std::string set_name;  // Empty for a table.
};

// Thread-compatible.
class TappedKernel : public ForwardingDataplane {
 public:
  // An error ends the call before it reaches the kernel.
  using Tap = std::function<absl::Status(const KernelWrite&)>;

  TappedKernel(std::unique_ptr<Dataplane> kernel, Tap tap)
      : ForwardingDataplane(std::move(kernel)), tap_(std::move(tap)) {}

  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override;
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override;
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status DestroySet(const SetName& name) override;
  absl::Status CommitTable(const TableChange& change) override;

 private:
  absl::Status Ask(const SetSpec& spec, bool makes_set);

  Tap tap_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TAPPED_KERNEL_H_
