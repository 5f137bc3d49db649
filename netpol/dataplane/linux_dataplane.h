// The Linux kernel: sets by netlink, tables in one of the two flavours.
#ifndef NETPOL_DATAPLANE_LINUX_DATAPLANE_H_
#define NETPOL_DATAPLANE_LINUX_DATAPLANE_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/family_table.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

struct LinuxDataplaneOptions {
  // Where rules are read and written; the other flavour is not looked at.
  Flavour flavour = Flavour::kLegacy;
  // How long a commit of a legacy table waits for the xtables lock.
  absl::Duration lock_timeout = absl::Seconds(10);
};

// Belongs to the network namespace of the thread that creates it: call it from
// threads that are in it. Thread-compatible; calls block for the kernel
// and for the xtables lock. Errors are those of SetTable and FamilyTable.
class LinuxDataplane : public Dataplane {
 public:
  // PermissionDenied without CAP_NET_ADMIN, Unimplemented without ip_set. A
  // family whose table the kernel lacks is reported by the first call that asks
  // for it.
  static absl::StatusOr<std::unique_ptr<LinuxDataplane>> Create(
      LinuxDataplaneOptions options);

  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override;
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
  std::vector<KeptChain> kept_chains(Family family) const override;
  absl::StatusOr<Glance> Look(absl::Span<const Family> families) override;
  WriteCounts writes() const override;

 private:
  LinuxDataplane(std::unique_ptr<SetTable> sets,
                 const LinuxDataplaneOptions& options);

  FamilyTable& table(Family family) {
    return *tables_[static_cast<int>(family)];
  }

  std::unique_ptr<SetTable> sets_;
  std::unique_ptr<FamilyTable> tables_[2];  // by Family
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LINUX_DATAPLANE_H_
