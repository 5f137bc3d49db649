#include "netpol/dataplane/nft/nft_channel.h"

#include <linux/netfilter/nf_tables.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// For the refusals of a large transaction; lists come at our own pace.
constexpr int kSocketBuffer = 8 << 20;
// The kernel fills datagrams of lists up to 32 KiB.
constexpr size_t kReceiveBuffer = 128 << 10;
// A list of 100,000 rules takes a tenth of a second: somebody who changes
// something all the time leaves a gap sooner or later.
constexpr int kMaxAttempts = 100;

absl::string_view FamilyWord(Family family) {
  return family == Family::kIPv4 ? "ip" : "ip6";
}

std::string TableText(Family family, absl::string_view table) {
  return absl::StrCat("table ", FamilyWord(family), " ", table);
}

absl::Status ErrorStatus(int error, const std::string& what) {
  const std::string tried = absl::StrCat("nf_tables: ", what, ": ");
  switch (error) {
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat(tried, "the kernel asks for CAP_NET_ADMIN"));
    case EINVAL:  // of nfnetlink, for a subsystem that is not there
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
      return absl::UnimplementedError(absl::StrCat(
          tried, std::strerror(error),
          "; the kernel has no nf_tables, or an older one (module nf_tables)"));
    case ENOENT:
      return absl::AbortedError(absl::StrCat(tried, "it is gone already"));
    case ERESTART:
    case EAGAIN:
      return absl::AbortedError(
          absl::StrCat(tried, "something else changed the tables meanwhile"));
    case EBUSY:
      return absl::FailedPreconditionError(
          absl::StrCat(tried, "it is still in use"));
    default:
      return absl::UnavailableError(absl::StrCat(tried, std::strerror(error)));
  }
}

absl::Status NoAnswer(const std::string& what) {
  return absl::UnavailableError(absl::StrCat(
      "nf_tables: ", what, ": no answer: whether it was done is not known"));
}

// In words: the request `index` of a removal.
std::string RequestText(const NftRemoval& removal, size_t index) {
  if (index < removal.rules.size()) {
    return absl::StrCat("delete rule ", removal.rules[index].handle,
                        " of chain ", removal.rules[index].chain);
  }
  index -= removal.rules.size();
  if (index < removal.flushed.size())
    return absl::StrCat("flush chain ", removal.flushed[index]);
  index -= removal.flushed.size();
  if (index < removal.chains.size())
    return absl::StrCat("delete chain ", removal.chains[index]);
  return "commit";
}

}  // namespace

NftChannel::NftChannel(NftSocket socket)
    : socket_(std::move(socket)), buffer_(kReceiveBuffer) {}

absl::StatusOr<std::unique_ptr<NftChannel>> NftChannel::Open() {
  ASSIGN_OR_RETURN(NftSocket socket, OpenNftSocket(kSocketBuffer));
  std::unique_ptr<NftChannel> channel(new NftChannel(std::move(socket)));
  RETURN_IF_ERROR(channel->Generation().status());
  return channel;
}

uint32_t NftChannel::port() const {
  return nl_socket_get_local_port(socket_.get());
}

absl::StatusOr<uint32_t> NftChannel::Generation() {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const uint32_t generation, AskGeneration());
    ASSIGN_OR_RETURN(const bool settled, IsSettled(generation));
    if (settled) return generation;
  }
  return absl::UnavailableError(
      absl::StrCat("nf_tables: the tables changed each of the ", kMaxAttempts,
                   " times that the kernel was asked for their generation"));
}

// By an empty transaction: it waits for the one under way, is refused if the
// number is not right then, and changes nothing.
absl::StatusOr<bool> NftChannel::IsSettled(uint32_t generation) {
  const uint32_t first = sequence_ + 1;
  sequence_ = first + 1;
  std::string batch;
  AppendBatchBegin(generation, first, batch);
  AppendBatchEnd(sequence_, batch);
  ASSIGN_OR_RETURN(const Answer answer, Transact(batch, first, sequence_));
  if (answer.error == 0) return true;
  if (answer.error == ERESTART) return false;
  return ErrorStatus(answer.error, "confirm the generation");
}

absl::StatusOr<uint32_t> NftChannel::AskGeneration() {
  const uint32_t sequence = ++sequence_;
  std::string request;
  AppendRequest(NFT_MSG_GETGEN, NLM_F_ACK, Family::kIPv4, {}, sequence,
                request);
  RETURN_IF_ERROR(SendDatagram(socket_.get(), request));
  Answer answer;
  uint32_t generation = 0;
  while (!answer.acknowledged) {
    ASSIGN_OR_RETURN(const Datagram datagram,
                     ReceiveDatagram(socket_.get(), Patience::kWait, buffer_));
    TakeAnswers(datagram.bytes, sequence, sequence, answer,
                [&](const nlmsghdr& message) {
                  generation = DecodeGeneration(message).id;
                });
  }
  if (answer.error != 0)
    return ErrorStatus(answer.error, "ask for the generation");
  return generation;
}

absl::StatusOr<std::vector<std::string>> NftChannel::Tables(Family family) {
  return Collect<std::string>(
      NFT_MSG_GETTABLE, family, {},
      [](const nlmsghdr& message, std::vector<std::string>& tables) {
        tables.emplace_back(PlaceOf(message).table);
      });
}

absl::StatusOr<std::vector<NftChain>> NftChannel::Chains(
    Family family, absl::string_view table) {
  return Collect<NftChain>(
      NFT_MSG_GETCHAIN, family, {},
      [table](const nlmsghdr& message, std::vector<NftChain>& chains) {
        if (PlaceOf(message).table == table)
          chains.push_back(DecodeChain(message));
      });
}

absl::StatusOr<std::vector<NftRule>> NftChannel::Rules(
    Family family, absl::string_view table, absl::string_view chain) {
  if (chain.empty()) return RulesOfAll(family, table);
  return Collect<NftRule>(
      NFT_MSG_GETRULE, family, {table, chain},
      // Old kernels list more than they are asked for.
      [table, chain](const nlmsghdr& message, std::vector<NftRule>& rules) {
        const NftPlace place = PlaceOf(message);
        if (place.table == table && place.chain == chain)
          rules.push_back(DecodeRule(message));
      });
}

// Chain by chain: for each datagram of a list of all rules the kernel begins
// anew at the first, which makes a second of 100,000.
absl::StatusOr<std::vector<NftRule>> NftChannel::RulesOfAll(
    Family family, absl::string_view table) {
  std::vector<NftRule> rules;
  const auto list = [&]() -> absl::StatusOr<Answer> {
    rules.clear();
    std::vector<std::string> chains;
    ASSIGN_OR_RETURN(
        Answer answer,
        Dump(NFT_MSG_GETCHAIN, family, {}, [&](const nlmsghdr& message) {
          const NftPlace place = PlaceOf(message);
          if (place.table == table) chains.emplace_back(place.chain);
        }));
    for (const std::string& chain : chains) {
      if (answer.error != 0 || answer.interrupted) break;
      ASSIGN_OR_RETURN(answer, Dump(NFT_MSG_GETRULE, family, {table, chain},
                                    [&](const nlmsghdr& message) {
                                      if (PlaceOf(message).chain == chain)
                                        rules.push_back(DecodeRule(message));
                                    }));
    }
    return answer;
  };
  RETURN_IF_ERROR(ListAtOneMoment(family, list));
  return rules;
}

absl::StatusOr<bool> NftChannel::HasSets(Family family,
                                         absl::string_view table) {
  ASSIGN_OR_RETURN(
      const std::vector<std::string> tables,
      Collect<std::string>(
          NFT_MSG_GETSET, family, {},
          [table](const nlmsghdr& message, std::vector<std::string>& found) {
            if (PlaceOf(message).table == table) found.emplace_back(table);
          }));
  return !tables.empty();
}

template <typename T>
absl::StatusOr<std::vector<T>> NftChannel::Collect(
    uint16_t command, Family family, const NftObject& object,
    const std::function<void(const nlmsghdr&, std::vector<T>&)>& decode) {
  std::vector<T> items;
  RETURN_IF_ERROR(ListAtOneMoment(family, [&] {
    items.clear();
    return Dump(command, family, object,
                [&](const nlmsghdr& message) { decode(message, items); });
  }));
  return items;
}

absl::Status NftChannel::ListAtOneMoment(
    Family family, const std::function<absl::StatusOr<Answer>()>& list) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    // The kernel's own mark on a list that changed on the way overlooks a
    // transaction whose changes can be seen before it is counted (Linux 6.18),
    // or is counted before they can be seen (earlier ones).
    ASSIGN_OR_RETURN(const uint32_t before, Generation());
    ASSIGN_OR_RETURN(const Answer answer, list());
    const bool broken = answer.interrupted || answer.error == EINTR;
    // What is not there has nothing in it.
    if (answer.error != 0 && answer.error != ENOENT && !broken) {
      return ErrorStatus(
          answer.error,
          absl::StrCat("list what family ", FamilyWord(family), " has"));
    }
    if (broken) continue;
    ASSIGN_OR_RETURN(const bool unchanged, IsSettled(before));
    if (unchanged) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      "nf_tables: the tables of family ", FamilyWord(family),
      " changed each of the ", kMaxAttempts, " times that they were listed"));
}

absl::StatusOr<NftChannel::Answer> NftChannel::Dump(
    uint16_t command, Family family, const NftObject& object,
    const MessageHandler& on_message) {
  const uint8_t wanted = NftFamily(family);
  const uint32_t sequence = ++sequence_;
  std::string request;
  AppendRequest(command, NLM_F_DUMP, family, object, sequence, request);
  RETURN_IF_ERROR(SendDatagram(socket_.get(), request));
  Answer answer;
  // To the end even when it is of no use any more: the kernel lists one thing
  // at a time.
  while (!answer.acknowledged) {
    ASSIGN_OR_RETURN(const Datagram datagram,
                     ReceiveDatagram(socket_.get(), Patience::kWait, buffer_));
    if (datagram.lost) answer.interrupted = true;
    TakeAnswers(datagram.bytes, sequence, sequence, answer,
                [&](const nlmsghdr& message) {
                  if (PlaceOf(message).family == wanted) on_message(message);
                });
  }
  return answer;
}

void NftChannel::TakeAnswers(size_t bytes, uint32_t first, uint32_t last,
                             Answer& answer, const MessageHandler& on_message) {
  int left = static_cast<int>(bytes);
  for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data());
       nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
    // Left over from an earlier exchange that was given up.
    if (header->nlmsg_seq - first > last - first) continue;
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    if (header->nlmsg_type >= NLMSG_MIN_TYPE) {
      if (on_message) on_message(*header);
      continue;
    }
    if (header->nlmsg_type == NLMSG_NOOP) continue;
    // NLMSG_ERROR, or NLMSG_DONE; both begin with a negative errno.
    int code = 0;
    if (nlmsg_datalen(header) >= static_cast<int>(sizeof(code)))
      std::memcpy(&code, nlmsg_data(header), sizeof(code));
    if (code != 0 && answer.error == 0) {
      answer.error = -code;
      answer.request = header->nlmsg_seq;
    }
    if (header->nlmsg_seq == last) answer.acknowledged = true;
  }
}

absl::StatusOr<NftChannel::Answer> NftChannel::Transact(
    const std::string& batch, uint32_t first, uint32_t last) {
  RETURN_IF_ERROR(SendDatagram(socket_.get(), batch));
  // The kernel has done its work, and put all answers into the buffer, before
  // the call that sends returns.
  Answer answer;
  while (true) {
    ASSIGN_OR_RETURN(const Datagram datagram,
                     ReceiveDatagram(socket_.get(), Patience::kNone, buffer_));
    if (datagram.bytes == 0 && !datagram.lost) break;
    TakeAnswers(datagram.bytes, first, last, answer, nullptr);
  }
  return answer;
}

absl::Status NftChannel::Remove(Family family, absl::string_view table,
                                const NftRemoval& removal) {
  if (removal.empty()) return absl::OkStatus();
  const uint32_t first = ++sequence_;
  const uint32_t count = static_cast<uint32_t>(
      removal.rules.size() + removal.flushed.size() + removal.chains.size());
  const uint32_t last = first + count;
  std::string batch;
  AppendBatchBegin(removal.generation, first, batch);
  const auto append = [&](uint16_t command, uint16_t flags,
                          const NftObject& object) {
    const uint16_t ack = ++sequence_ == last ? NLM_F_ACK : 0;
    AppendRequest(command, flags | ack, family, object, sequence_, batch);
  };
  for (const NftRemoval::RuleAt& rule : removal.rules)
    append(NFT_MSG_DELRULE, 0, {table, rule.chain, rule.handle});
  for (const std::string& chain : removal.flushed)
    append(NFT_MSG_DELRULE, 0, {table, chain});
  // Otherwise the kernel deletes the rules of such a chain too.
  for (const std::string& chain : removal.chains)
    append(NFT_MSG_DELCHAIN, NLM_F_NONREC, {table, chain});
  AppendBatchEnd(++sequence_, batch);
  ASSIGN_OR_RETURN(const Answer answer, Transact(batch, first, last));
  if (answer.error == 0) {
    return answer.acknowledged
               ? absl::OkStatus()
               : NoAnswer("remove from " + TableText(family, table));
  }
  return ErrorStatus(
      answer.error,
      absl::StrCat(answer.request == first
                       ? "commit a removal"
                       : RequestText(removal, answer.request - first - 1),
                   " in ", TableText(family, table)));
}

absl::Status NftChannel::RemoveTable(Family family, absl::string_view table) {
  const uint32_t first = sequence_ + 1;
  std::string batch;
  AppendBatchBegin(0, first, batch);
  AppendRequest(NFT_MSG_DELTABLE, NLM_F_ACK, family, {table, "", 0}, first + 1,
                batch);
  AppendBatchEnd(first + 2, batch);
  sequence_ = first + 2;
  ASSIGN_OR_RETURN(const Answer answer, Transact(batch, first, first + 1));
  const std::string what = "delete " + TableText(family, table);
  if (answer.error == ENOENT) return absl::OkStatus();
  if (answer.error != 0) return ErrorStatus(answer.error, what);
  return answer.acknowledged ? absl::OkStatus() : NoAnswer(what);
}

}  // namespace netpol
