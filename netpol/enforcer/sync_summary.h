// What a synchronisation did, as a message and as a line.
#ifndef NETPOL_ENFORCER_SYNC_SUMMARY_H_
#define NETPOL_ENFORCER_SYNC_SUMMARY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "netpol/sync/sync_report.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

v1::SyncSummary SummaryOf(const SyncReport& report);

// On one line without a line end: "1 set created, 3 members added; kernel
// writes: 2 (set messages 1, table commits 1)".
std::string TextOf(const v1::SyncSummary& sync);

// "kernel writes: 2 (set messages 1, table commits 1)".
std::string WritesText(const v1::KernelWrites& writes);

// "1 set", "2 sets".
std::string Counted(uint32_t count, absl::string_view one,
                    absl::string_view many);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_SYNC_SUMMARY_H_
