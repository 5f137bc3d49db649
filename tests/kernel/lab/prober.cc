#include "tests/kernel/lab/prober.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr uint16_t kFirstPort = 10000;
constexpr uint16_t kLastPort = 64999;
// Reading now and then while sending keeps the receive buffers short.
constexpr size_t kSendsPerCollect = 64;

bool IsEcho(uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

bool Sendable(const Flow& flow) {
  const Family family = flow.source.family;
  return family == flow.destination.family &&
         (flow.protocol == IPPROTO_TCP || flow.protocol == IPPROTO_UDP ||
          flow.protocol == IPPROTO_SCTP ||
          flow.protocol == IcmpProtocol(family));
}

}  // namespace

std::ostream& operator<<(std::ostream& os, ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::kAllowed:
      return os << "allowed";
    case ProbeOutcome::kRejected:
      return os << "rejected";
    case ProbeOutcome::kDropped:
      break;
  }
  return os << "dropped";
}

absl::StatusOr<std::unique_ptr<Prober>> Prober::Create(ProberOptions options) {
  FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return absl::ErrnoToStatus(errno, "making an epoll");
  return std::unique_ptr<Prober>(new Prober(options, std::move(epoll)));
}

Prober::Prober(ProberOptions options, FileDescriptor epoll)
    : options_(options), epoll_(std::move(epoll)) {
  std::random_device random;
  next_port_ = static_cast<uint16_t>(kFirstPort +
                                     random() % (kLastPort - kFirstPort + 1));
}

absl::Status Prober::Own(const IpAddress& address, RawEndpoint* endpoint) {
  if (!owners_.emplace(address, endpoint).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("address ", address.ToString(), " already has an owner"));
  }
  return absl::OkStatus();
}

void Prober::Disown(const IpAddress& address) { owners_.erase(address); }

RawEndpoint* Prober::OwnerOf(const IpAddress& address) const {
  const auto it = owners_.find(address);
  return it == owners_.end() ? nullptr : it->second;
}

uint16_t Prober::NextPort() {
  next_port_ = next_port_ == kLastPort ? kFirstPort
                                       : static_cast<uint16_t>(next_port_ + 1);
  return next_port_;
}

absl::StatusOr<std::vector<ProbeOutcome>> Prober::Probe(
    absl::Span<const ProbeSpec> specs) {
  std::vector<Flow> flows;
  flows.reserve(specs.size());
  for (const ProbeSpec& spec : specs) {
    const uint16_t port = IsEcho(spec.protocol) ? uint16_t{0} : spec.port;
    flows.push_back(
        {spec.source, spec.destination, spec.protocol, NextPort(), port});
  }
  return SendFlows(flows);
}

absl::StatusOr<std::vector<ProbeOutcome>> Prober::SendFlows(
    absl::Span<const Flow> flows) {
  for (const Flow& flow : flows) RETURN_IF_ERROR(ListenFor(flow));
  std::vector<ProbeOutcome> outcomes;
  outcomes.reserve(flows.size());
  for (size_t at = 0; at < flows.size(); at += options_.window) {
    ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> some,
                     RunRound(flows.subspan(at, options_.window)));
    outcomes.insert(outcomes.end(), some.begin(), some.end());
  }
  return outcomes;
}

absl::Status Prober::ListenFor(const Flow& flow) {
  if (!Sendable(flow)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot probe ", flow.ToString(),
        ": give addresses of one family and TCP, UDP, SCTP or its ICMP"));
  }
  RawEndpoint* source = OwnerOf(flow.source);
  if (source == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot probe ", flow.ToString(),
                     ": nobody owns the source; add a pod or a remote first"));
  }
  const Family family = flow.source.family;
  RETURN_IF_ERROR(source->Listen(family, IcmpProtocol(family), epoll_.get()));
  RawEndpoint* destination = OwnerOf(flow.destination);
  if (destination == nullptr) return absl::OkStatus();
  return destination->Listen(family, flow.protocol, epoll_.get());
}

absl::StatusOr<std::vector<ProbeOutcome>> Prober::RunRound(
    absl::Span<const Flow> flows) {
  Round round;
  round.states.assign(flows.size(), State::kWaiting);
  round.waiting = flows.size();
  for (size_t i = 0; i < flows.size(); ++i) {
    if (!round.index.emplace(flows[i], i).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("flow ", flows[i].ToString(), " is given twice"));
    }
    // A local refusal may still be a REJECT, whose answer is on its way.
    RETURN_IF_ERROR(OwnerOf(flows[i].source)->Send(flows[i]).status());
    if (i % kSendsPerCollect == kSendsPerCollect - 1) {
      RETURN_IF_ERROR(Collect(round, absl::ZeroDuration()).status());
    }
  }
  RETURN_IF_ERROR(AwaitNews(round));
  std::vector<ProbeOutcome> outcomes;
  outcomes.reserve(flows.size());
  for (State state : round.states) {
    outcomes.push_back(state == State::kArrived    ? ProbeOutcome::kAllowed
                       : state == State::kRejected ? ProbeOutcome::kRejected
                                                   : ProbeOutcome::kDropped);
  }
  return outcomes;
}

absl::Status Prober::AwaitNews(Round& round) {
  absl::Time deadline = absl::Now() + options_.quiet;
  while (round.waiting > 0) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    const size_t before = round.waiting;
    RETURN_IF_ERROR(Collect(round, left).status());
    if (round.waiting < before) deadline = absl::Now() + options_.quiet;
  }
  // A receiver's own "port unreachable" may have been read before the arrival
  // that caused it; but the arrival was queued first, so it is there by now.
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(more, Collect(round, absl::ZeroDuration()));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Prober::Collect(Round& round, absl::Duration limit) {
  epoll_event events[256];
  const int milliseconds = static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1))));
  const int count = epoll_wait(epoll_.get(), events, 256, milliseconds);
  if (count < 0) {
    if (errno == EINTR) return true;
    return absl::ErrnoToStatus(errno, "waiting for packets");
  }
  const auto heard = [&round](const Flow& flow, Heard what) {
    const auto it = round.index.find(flow);
    if (it == round.index.end()) return;
    State& state = round.states[it->second];
    if (state == State::kWaiting) --round.waiting;
    if (what == Heard::kArrival) {
      state = State::kArrived;
    } else if (state == State::kWaiting) {
      state = State::kRejected;
    }
  };
  for (int i = 0; i < count; ++i) {
    RETURN_IF_ERROR(RawEndpoint::Drain(
        *static_cast<RawListener*>(events[i].data.ptr), heard));
  }
  return count > 0;
}

}  // namespace netpol
