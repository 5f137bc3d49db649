#include "netpol/sync/tamper_record.h"

namespace netpol {

void TamperRecord::Distrust(const TableChange& change) {
  Table& table = of(change.family);
  for (const Chain& chain : change.write)
    table.doubted_chains.insert(chain.name);
  for (const ChainName& name : change.remove) table.doubted_chains.insert(name);
}

void TamperRecord::EndReading() {
  doubted_sets_.clear();
  doubt_new_sets_ = false;
  for (Table& table : tables_) table.doubted_chains.clear();
}

}  // namespace netpol
