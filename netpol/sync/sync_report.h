// What one batch did to the kernel.
#ifndef NETPOL_SYNC_SYNC_REPORT_H_
#define NETPOL_SYNC_SYNC_REPORT_H_

#include <string>
#include <vector>

#include "netpol/sync/dataplane.h"

namespace netpol {

// What one SyncEngine::Sync() did.
struct SyncReport {
  int sets_created = 0;
  int sets_replaced = 0;
  int sets_destroyed = 0;
  int members_added = 0;  // to sets that existed; not those of a replacement
  int members_removed = 0;
  int chains_written = 0;
  int chains_removed = 0;
  WriteCounts writes;
  // What could not be done though the rest was; a sentence each, naming the
  // object. Where a set is missing, the rules that allow by it are left out.
  std::vector<std::string> problems;
  // Something is left to do: a set that was still in use, or what `problems`
  // names.
  bool retry = false;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_SYNC_REPORT_H_
