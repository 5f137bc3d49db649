// What one batch did to the kernel.
#ifndef NETPOL_SYNC_SYNC_REPORT_H_
#define NETPOL_SYNC_SYNC_REPORT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// How long the parts of one synchronisation took, by a steady clock; zero for
// what was not done, or not measured.
struct SyncTimes {
  struct PerFamily {
    // Reading the table. Only now and then is there need to.
    absl::Duration read;
    // Its commit, with all that waits for locks, and what the implementation
    // reads to make it.
    absl::Duration commit;
    // All that was written to sets.
    absl::Duration sets;
  };

  // From what the caller was told to what should be in the kernel. For the
  // caller to say: the engine leaves it at zero.
  absl::Duration preparing;
  // SyncEngine::Sync() as a whole.
  absl::Duration engine;
  PerFamily families[2];  // by Family

  PerFamily& of(Family family) { return families[static_cast<int>(family)]; }
  const PerFamily& of(Family family) const {
    return families[static_cast<int>(family)];
  }
};

// What one SyncEngine::Sync() did.
struct SyncReport {
  int sets_created = 0;
  int sets_replaced = 0;
  int sets_destroyed = 0;
  int members_added = 0;  // to sets that existed; not those of a replacement
  int members_removed = 0;
  int chains_written = 0;
  int chains_removed = 0;
  int hooks_changed = 0;  // families whose jumps were put right, or removed
  // Chains, sets and each family's hooks that somebody else had changed since
  // they were last read or written, and that are as they should be again: "set
  // X", "IPv4 chain Y", "IPv6 jumps to our chains". Seen only when the kernel
  // is read anew. What was found at the first reading does not count, nor what
  // a step of ours that failed may have left.
  std::vector<std::string> repaired;
  WriteCounts writes;
  SyncTimes times;
  // What could not be done though the rest was; a sentence each, naming the
  // object. Where a set is missing, the rules that allow by it are left out.
  std::vector<std::string> problems;
  // What is left as it is, harmless, until somebody else does something; a
  // sentence each, naming the object and what to do.
  std::vector<std::string> notices;
  // Something is left to do: a set that was still in use, or what `problems`
  // names.
  bool retry = false;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_SYNC_REPORT_H_
