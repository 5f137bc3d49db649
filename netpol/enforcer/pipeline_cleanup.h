// Clean-up as shell scripts do it.
#ifndef NETPOL_ENFORCER_PIPELINE_CLEANUP_H_
#define NETPOL_ENFORCER_PIPELINE_CLEANUP_H_

#include <cstdint>

#include "absl/time/time.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Whose programs run.
enum class PipelineTools : uint8_t {
  kHost,    // iptables-save and iptables-restore, whatever flavour they are of
  kLegacy,  // iptables-legacy-…
  kNft,     // iptables-nft-…
};

struct PipelineOptions {
  PipelineTools tools = PipelineTools::kHost;
  // Runs nothing that writes.
  bool dry_run = false;
  // Go on where a save says that it cannot show a table, as the shell does:
  // that one stays as it is, and the others are written anew.
  bool force = false;
  // How long a restore waits for the xtables lock, in whole seconds.
  absl::Duration lock_timeout = absl::Seconds(10);
};

// Leaves exactly the rules that
//   iptables-save | grep -v KUBE-ROUTER | iptables-restore
// and the same with ip6tables leave, in the network namespace of the calling
// thread, for those who script against that. It takes the hooks away, and with
// them enforcement, and has the faults of that line:
//  - chains KUBE-POD-FW-… and KUBE-NWPLCY-… and all sets stay;
//  - rules of others go that hold the word, be it in a comment;
//  - counters of all rules start from zero, in every table;
//  - what others change between the save and the restore is lost;
//  - native nft rules in tables of iptables-nft come back as iptables
//    understands them: without their sets and maps, or not at all.
//
// A family whose programs are missing or fail is left out, which is told among
// the problems. If a table cannot be shown, nothing is changed in either family
// (see `force`). Blocks for the programs, two minutes each at most.
v1::PipelineResult CleanUpByPipeline(const PipelineOptions& options);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_PIPELINE_CLEANUP_H_
