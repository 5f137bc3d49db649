// One family's table `filter` as iptables-nft keeps it in nf_tables.
#ifndef NETPOL_DATAPLANE_NFT_NFT_FILTER_TABLE_H_
#define NETPOL_DATAPLANE_NFT_NFT_FILTER_TABLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/family_table.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

struct NftFilterTableOptions {
  // How long one run of iptables-nft-restore may take before it is killed.
  absl::Duration program_timeout = absl::Minutes(2);
};

// Rules are written by iptables-nft-restore --noflush (ip6tables-…), found in
// PATH and the system's folders, so that they are in the form which the host's
// own iptables can list: one run and one transaction for a Commit(), with the
// chains that change and nothing else. A chain that is written starts with
// counters of zero. Chain names and the built-in chains' rules are read by
// netlink, rule bodies through the same program, so that rules that only the
// `nft` command understands disturb nothing and are never touched.
//
// A Commit() that only removes goes through netlink alone and needs no program.
// Commits hold no lock: the kernel refuses a transaction that is based on an
// older state than its own, and the program begins anew.
class NftFilterTable : public FamilyTable {
 public:
  explicit NftFilterTable(Family family, NftFilterTableOptions options = {});
  ~NftFilterTable() override;

  absl::StatusOr<ObservedTable> Read() override;
  absl::Status Commit(const TableChange& change) override;
  const std::vector<KeptChain>& kept_chains() const override { return kept_; }
  // Listens to what the kernel tells of every transaction; overlooks nothing.
  // What was lost because too much came at once counts as a change.
  absl::StatusOr<bool> MayHaveChanged() override;
  uint64_t commits() const override { return commits_; }

 private:
  struct Impl;

  const Family family_;
  const std::unique_ptr<Impl> impl_;
  std::vector<KeptChain> kept_;
  uint64_t commits_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_FILTER_TABLE_H_
