#include "netpol/dataplane/legacy/table_presence.h"

#include <cerrno>
#include <fstream>
#include <string>

namespace netpol {

bool HasLegacyTable(Family family, absl::string_view table) {
  // Of the thread: /proc/net is the network namespace of the process's first.
  std::ifstream file(family == Family::kIPv4
                         ? "/proc/thread-self/net/ip_tables_names"
                         : "/proc/thread-self/net/ip6_tables_names");
  if (!file) return errno != ENOENT;
  std::string name;
  while (std::getline(file, name)) {
    if (name == table) return true;
  }
  return false;
}

}  // namespace netpol
