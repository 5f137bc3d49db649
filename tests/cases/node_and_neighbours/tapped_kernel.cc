#include "tests/cases/node_and_neighbours/tapped_kernel.h"

#include "netpol/base/status_macros.h"

namespace netpol {

absl::Status TappedKernel::Ask(const SetSpec& spec, bool makes_set) {
  KernelWrite write;
  write.set = &spec;
  write.makes_set = makes_set;
  write.set_name = spec.name.value();
  return tap_(write);
}

absl::Status TappedKernel::CreateSet(const SetSpec& spec,
                                     absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(Ask(spec, /*makes_set=*/true));
  return ForwardingDataplane::CreateSet(spec, members);
}

absl::Status TappedKernel::AddMembers(const SetSpec& spec,
                                      absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(Ask(spec, /*makes_set=*/false));
  return ForwardingDataplane::AddMembers(spec, members);
}

absl::Status TappedKernel::RemoveMembers(const SetSpec& spec,
                                         absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(Ask(spec, /*makes_set=*/false));
  return ForwardingDataplane::RemoveMembers(spec, members);
}

absl::Status TappedKernel::ReplaceSet(const SetSpec& spec,
                                      absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(Ask(spec, /*makes_set=*/true));
  return ForwardingDataplane::ReplaceSet(spec, members);
}

absl::Status TappedKernel::DestroySet(const SetName& name) {
  KernelWrite write;
  write.set_name = name.value();
  RETURN_IF_ERROR(tap_(write));
  return ForwardingDataplane::DestroySet(name);
}

absl::Status TappedKernel::CommitTable(const TableChange& change) {
  KernelWrite write;
  write.table = &change;
  RETURN_IF_ERROR(tap_(write));
  return ForwardingDataplane::CommitTable(change);
}

}  // namespace netpol
