// One family's legacy table `filter`: read whole, changed by chains.
#ifndef NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_
#define NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/family_table.h"
#include "netpol/dataplane/legacy/chain_editor.h"
#include "netpol/dataplane/legacy/iptc_handle.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/dataplane/legacy/table_shape.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

struct FilterTableOptions {
  // How long a commit waits for the xtables lock.
  absl::Duration lock_timeout = absl::Seconds(10);
};

// Goes through libiptc in process. Nothing is kept between calls but what
// MayHaveChanged() compares: each call reads the kernel's table, since an older
// reading must not be written back. A kernel without this family's table makes
// the calls fail (Unimplemented), not the construction.
//
// Commit() holds the xtables lock from the reading to the writing; rules that
// are the same before and after keep their place and counters.
class FilterTable : public FamilyTable {
 public:
  explicit FilterTable(Family family, FilterTableOptions options = {});

  absl::StatusOr<ObservedTable> Read() override;
  absl::Status Commit(const TableChange& change) override;
  const std::vector<KeptChain>& kept_chains() const override { return kept_; }
  // Compares how many rules and bytes the table has, up to each of its hooks:
  // overlooks a rule that took the place of one of the same size.
  absl::StatusOr<bool> MayHaveChanged() override;
  uint64_t commits() const override { return commits_; }

 private:
  absl::Status CommitEncoded(const TableChange& change,
                             absl::Span<const EncodedChain> chains);
  void NoteShape();

  const Family family_;
  const FilterTableOptions options_;
  SetIndex sets_;
  absl::optional<TableShape> known_shape_;
  std::vector<KeptChain> kept_;
  uint64_t commits_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_
