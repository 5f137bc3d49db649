// A socket to the kernel's nf_tables, for what needs no knowledge of rule
// bodies: names, places, jumps, removal.
#ifndef NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_
#define NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/nft/nft_messages.h"
#include "netpol/dataplane/nft/nft_socket.h"

namespace netpol {

// What is removed in one transaction, in this order.
struct NftRemoval {
  struct RuleAt {
    std::string chain;
    uint64_t handle = 0;
  };
  std::vector<RuleAt> rules;         // by handle; gone ones make it fail
  std::vector<std::string> flushed;  // chains that lose all rules
  std::vector<std::string> chains;   // deleted; must be empty by then
  // Of Generation(), asked for before the rules were read: then nothing is
  // removed if any transaction came between. 0: whatever came. Handles count
  // anew in a table that somebody deleted and made again.
  uint32_t generation = 0;

  bool empty() const {
    return rules.empty() && flushed.empty() && chains.empty();
  }
};

// Tables are those of `family` (ip or ip6). The network namespace is that of
// the thread that opened it. Thread-compatible; blocks for the kernel only.
//
// Everywhere: Unimplemented where the kernel has no nf_tables,
// PermissionDenied without CAP_NET_ADMIN, Unavailable if the kernel does not
// answer; what it did is then unknown.
class NftChannel {
 public:
  static absl::StatusOr<std::unique_ptr<NftChannel>> Open();
  NftChannel(const NftChannel&) = delete;
  NftChannel& operator=(const NftChannel&) = delete;

  // By which a monitor (nft_monitor.h) knows what was done through this
  // channel.
  uint32_t port() const;

  // Of the whole network namespace, all families; another one after each
  // transaction that changed something, never 0. Waits for a transaction that
  // is under way, so that what is read next is at least of this generation.
  absl::StatusOr<uint32_t> Generation();

  // The lists are those of one moment: they are asked for again if something
  // changes on the way, Unavailable if it never stops.

  // Names of all tables of the family.
  absl::StatusOr<std::vector<std::string>> Tables(Family family);
  // None where there is no such table.
  absl::StatusOr<std::vector<NftChain>> Chains(Family family,
                                               absl::string_view table);
  // In order; of one chain, or of all of the table if `chain` is empty. None
  // where there is no such table or chain.
  absl::StatusOr<std::vector<NftRule>> Rules(Family family,
                                             absl::string_view table,
                                             absl::string_view chain);

  // Whether the table has sets or maps of nf_tables, also such without a name.
  absl::StatusOr<bool> HasSets(Family family, absl::string_view table);

  // All or nothing. Aborted: something else changed meanwhile, or what was to
  // be removed is gone: read again. FailedPrecondition: a chain is still in
  // use, or has rules; it is named.
  absl::Status Remove(Family family, absl::string_view table,
                      const NftRemoval& removal);
  // The whole table with all in it; one that is not there is not an error.
  absl::Status RemoveTable(Family family, absl::string_view table);

 private:
  using MessageHandler = std::function<void(const nlmsghdr&)>;

  // What the kernel said to a row of requests.
  struct Answer {
    int error = 0;              // an errno value: of the first that was refused
    uint32_t request = 0;       // the sequence number of that one
    bool acknowledged = false;  // the last one was answered
    bool interrupted = false;   // a list that is not of one moment
  };

  explicit NftChannel(NftSocket socket);

  // Calls `decode` for each message of a list, which puts it into `items`.
  template <typename T>
  absl::StatusOr<std::vector<T>> Collect(
      uint16_t command, Family family, const NftObject& object,
      const std::function<void(const nlmsghdr&, std::vector<T>&)>& decode);
  absl::StatusOr<std::vector<NftRule>> RulesOfAll(Family family,
                                                  absl::string_view table);
  // Calls `list`, which begins anew each time, until nothing changed meanwhile.
  absl::Status ListAtOneMoment(
      Family family, const std::function<absl::StatusOr<Answer>()>& list);
  // Calls `on_message` for each object of the family.
  absl::StatusOr<Answer> Dump(uint16_t command, Family family,
                              const NftObject& object,
                              const MessageHandler& on_message);
  // What the kernel says at once, be a transaction under way or not.
  absl::StatusOr<uint32_t> AskGeneration();
  // Whether no transaction is under way, and none was made since `generation`.
  absl::StatusOr<bool> IsSettled(uint32_t generation);
  // Sends a transaction whose requests are numbered `first` (its head) to
  // `last`.
  absl::StatusOr<Answer> Transact(const std::string& batch, uint32_t first,
                                  uint32_t last);
  // Reads one datagram's worth of answers to `first` … `last`.
  void TakeAnswers(size_t bytes, uint32_t first, uint32_t last, Answer& answer,
                   const MessageHandler& on_message);

  const NftSocket socket_;
  uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_
