// What this machine must have for us to enforce anything, looked at beforehand.
#ifndef NETPOL_DATAPLANE_HOST_PREFLIGHT_H_
#define NETPOL_DATAPLANE_HOST_PREFLIGHT_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"

namespace netpol {

struct PreflightFinding {
  // What was looked at: "CAP_NET_ADMIN", "IPv4 match set".
  std::string name;
  // It is there. False also where it could not be checked, as `detail` then
  // says.
  bool ok = false;
  std::string detail;  // what was found
  std::string remedy;  // what to do; empty when ok
};

struct PreflightOptions {
  std::vector<Family> families = {Family::kIPv4, Family::kIPv6};
  Flavour flavour = Flavour::kLegacy;
  // Of the xtables lock, which only legacy needs; empty: as iptables takes it,
  // from XTABLES_LOCKFILE, else /run/xtables.lock.
  std::string lock_path;
};

// One finding for each thing that the flavour needs, always all of them, in a
// fixed order: capabilities, the lock (legacy), conntrack, ipset and its types,
// then for each family the legacy table `filter`, or nf_tables and
// iptables-nft-restore, and every match and target.
//
// Changes nothing, and makes no table of the other flavour; the kernel may load
// the modules that it is asked for, and makes the legacy table `filter` that it
// is asked for. Runs without privileges too. Blocks for the kernel, and for
// `iptables-nft-restore --version`. Looks at the network namespace of the
// calling thread.
std::vector<PreflightFinding> RunPreflight(const PreflightOptions& options);

// Where packets get past table `filter` though all that is needed is there: one
// finding for each family, not ok if there is a bridge whose packets it does
// not see. That bridge may concern nobody, hence not part of the preflight.
std::vector<PreflightFinding> FindBlindSpots(const PreflightOptions& options);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_PREFLIGHT_H_
