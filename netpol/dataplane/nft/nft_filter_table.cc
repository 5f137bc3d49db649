#include "netpol/dataplane/nft/nft_filter_table.h"

namespace netpol {

struct NftFilterTable::Impl {};

NftFilterTable::NftFilterTable(Family family, NftFilterTableOptions)
    : family_(family) {}
NftFilterTable::~NftFilterTable() = default;

absl::StatusOr<ObservedTable> NftFilterTable::Read() {
  return absl::UnimplementedError("nft");
}
absl::Status NftFilterTable::Commit(const TableChange&) {
  return absl::UnimplementedError("nft");
}
absl::StatusOr<bool> NftFilterTable::MayHaveChanged() {
  return absl::UnimplementedError("nft");
}

}  // namespace netpol
