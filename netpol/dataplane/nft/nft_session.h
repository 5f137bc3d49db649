// What the parts of the nf_tables flavour share: sockets, the program, and what
// is known of the table.
#ifndef NETPOL_DATAPLANE_NFT_NFT_SESSION_H_
#define NETPOL_DATAPLANE_NFT_NFT_SESSION_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/nft/known_chains.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/dataplane/nft/nft_monitor.h"
#include "netpol/dataplane/nft/restore_program.h"

namespace netpol {

// Of one family's table `filter`, in the network namespace of the thread that
// calls Open() first. What is known is forgotten as soon as the kernel tells of
// somebody else's change. Thread-compatible.
class NftSession {
 public:
  static constexpr absl::string_view kTable = "filter";

  NftSession(Family family, absl::Duration program_timeout)
      : family_(family), program_(family, program_timeout) {}

  // To be called before anything else; opens the sockets at the first time.
  absl::Status Open();

  Family family() const { return family_; }
  NftChannel& channel() { return *channel_; }
  const RestoreProgram& program() const { return program_; }
  KnownChains& known() { return known_; }

  // Whether somebody else may have changed something since MarkRead(), or since
  // Open().
  bool changed() const { return changed_; }
  // What is read from now on is the state to compare with.
  void MarkRead() { changed_ = false; }

  // Takes notice of what others did up to now.
  absl::Status TakeNews();

  // Around a transaction of our own, which came from the netlink port `port`:
  // takes notice of what others did, not of what we did.
  absl::Status BeforeOwn();
  absl::Status AfterOwn(uint32_t port);

  // Makes known() complete.
  absl::Status LearnNames();

 private:
  void NoteChange();

  const Family family_;
  const RestoreProgram program_;
  std::unique_ptr<NftChannel> channel_;
  std::unique_ptr<NftMonitor> monitor_;
  KnownChains known_;
  bool changed_ = false;
  uint32_t generation_ = 0;  // before a transaction of our own
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_SESSION_H_
