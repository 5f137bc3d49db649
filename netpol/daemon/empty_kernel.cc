#include "netpol/daemon/empty_kernel.h"

namespace netpol {
namespace {

absl::Status NotAKernel() {
  return absl::UnimplementedError("there is no kernel to write to");
}

}  // namespace

absl::StatusOr<Snapshot> EmptyKernel::Read(absl::Span<const Family>) {
  return Snapshot();
}

absl::Status EmptyKernel::CreateSet(const SetSpec&,
                                    absl::Span<const SetMember>) {
  return NotAKernel();
}

absl::Status EmptyKernel::AddMembers(const SetSpec&,
                                     absl::Span<const SetMember>) {
  return NotAKernel();
}

absl::Status EmptyKernel::RemoveMembers(const SetSpec&,
                                        absl::Span<const SetMember>) {
  return NotAKernel();
}

absl::Status EmptyKernel::ReplaceSet(const SetSpec&,
                                     absl::Span<const SetMember>) {
  return NotAKernel();
}

absl::Status EmptyKernel::DestroySet(const SetName&) { return NotAKernel(); }

absl::Status EmptyKernel::CommitTable(const TableChange&) {
  return NotAKernel();
}

}  // namespace netpol
