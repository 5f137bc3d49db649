#include "netpol/explain/packet_simulator.h"

#include <netinet/in.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/variant.h"
#include "netpol/base/status_macros.h"
#include "netpol/explain/member_index.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

bool IsIcmp(const SimulatedPacket& packet) {
  return packet.protocol == (packet.source.family == Family::kIPv4
                                 ? uint8_t{IPPROTO_ICMP}
                                 : uint8_t{IPPROTO_ICMPV6});
}

bool HasPorts(uint8_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
         protocol == IPPROTO_SCTP;
}

// ip_set_get_ip_port(): for ICMP type and code, of which we know the type.
uint16_t PortOn(Side side, const SimulatedPacket& packet) {
  if (IsIcmp(packet)) return static_cast<uint16_t>(packet.icmp_type << 8);
  return side == Side::kSource ? packet.source_port : packet.destination_port;
}

// A SetMatch with its set found.
struct IndexedSetMatch {
  const MemberIndex* set;
  Side side;
  int dimensions;
  bool negated;
};

using ReadyMatch =
    absl::variant<IndexedSetMatch, PortsMatch, CtStateMatch, LocalAddressMatch,
                  MarkMatch, IcmpTypeMatch, LimitMatch>;

struct ReadyRule {
  absl::optional<IpPrefix> source;
  absl::optional<IpPrefix> destination;
  absl::optional<uint8_t> protocol;
  std::vector<ReadyMatch> matches;
  Action action;
  int target = -1;  // of a jump or goto
  bool foreign = false;
};

struct ReadyChain {
  std::string name;
  std::vector<ReadyRule> rules;
};

// Whether one match takes the packet, whose mark may have changed on the way.
struct Takes {
  const SimulatedPacket& packet;
  uint32_t mark;

  bool operator()(const IndexedSetMatch& m) const {
    return Holds(m) != m.negated;
  }
  bool operator()(const PortsMatch& m) const {
    if (!HasPorts(packet.protocol)) return false;
    for (const PortRange& range : m.ranges) {
      if (range.first <= packet.destination_port &&
          packet.destination_port <= range.last) {
        return true;
      }
    }
    return false;
  }
  bool operator()(const CtStateMatch& m) const {
    return ((m.states & packet.ct_state) != 0) != m.negated;
  }
  bool operator()(const LocalAddressMatch& m) const {
    return (m.side == Side::kSource ? packet.source_local
                                    : packet.destination_local) != m.negated;
  }
  bool operator()(const MarkMatch& m) const {
    return ((mark & m.mask) == m.value) != m.negated;
  }
  bool operator()(const IcmpTypeMatch& m) const {
    // To icmp, but not to icmp6, 255 is every type.
    return IsIcmp(packet) &&
           (packet.icmp_type == m.type ||
            (m.type == 255 && packet.source.family == Family::kIPv4));
  }
  bool operator()(const LimitMatch&) const { return true; }

  // The kernel says no where the set has more dimensions than the match, and
  // for protocols without anything like a port.
  bool Holds(const IndexedSetMatch& m) const {
    const IpAddress& address =
        m.side == Side::kSource ? packet.source : packet.destination;
    if (m.dimensions < 2 || !(HasPorts(packet.protocol) || IsIcmp(packet)))
      return m.set->Holds(address);
    return m.set->Holds(address, packet.protocol, PortOn(m.side, packet));
  }
};

bool RuleTakes(const ReadyRule& rule, const SimulatedPacket& packet,
               uint32_t mark) {
  if (rule.foreign) return false;
  if (rule.source && !rule.source->Contains(packet.source)) return false;
  if (rule.destination && !rule.destination->Contains(packet.destination))
    return false;
  if (rule.protocol && *rule.protocol != packet.protocol) return false;
  const Takes takes{packet, mark};
  for (const ReadyMatch& match : rule.matches)
    if (!absl::visit(takes, match)) return false;
  return true;
}

// A packet on its way through the chains of one table.
class Traveller {
 public:
  Traveller(const std::vector<ReadyChain>& chains,
            const SimulatedPacket& packet, int start, SimulationResult* way)
      : chains_(chains), packet_(packet), mark_(packet.mark), way_(way) {
    at_ = {start, 0};
  }

  Outcome Run() {
    while (true) {
      const ReadyChain& chain = chains_[at_.chain];
      if (at_.rule == static_cast<int>(chain.rules.size())) {
        // The end of a chain is a RETURN.
        if (!Return()) return Finish(Outcome::kFellThrough);
        continue;
      }
      const ReadyRule& rule = chain.rules[at_.rule];
      if (!RuleTakes(rule, packet_, mark_)) {
        ++at_.rule;
        continue;
      }
      if (way_) way_->matched.push_back({chain.name, at_.rule});
      rule_ = &rule;
      absl::visit(*this, rule.action);
      if (outcome_) return Finish(*outcome_);
    }
  }

  // The actions.
  void operator()(const AcceptAction&) { Decide(Outcome::kAccepted); }
  void operator()(const DropAction&) { Decide(Outcome::kDropped); }
  void operator()(const RejectAction&) { Decide(Outcome::kRejected); }
  void operator()(const ReturnAction&) {
    if (!Return()) outcome_ = Outcome::kFellThrough;
  }
  void operator()(const JumpAction&) {
    callers_.push_back({at_.chain, at_.rule + 1});
    at_ = {rule_->target, 0};
  }
  // Leaves no address to return to: the end goes to our caller's caller.
  void operator()(const GotoAction&) { at_ = {rule_->target, 0}; }
  void operator()(const SetMarkAction& action) {
    mark_ = (mark_ & ~action.mask) ^ action.value;
    ++at_.rule;
  }
  void operator()(const LogAction&) {
    if (way_) ++way_->logged;
    ++at_.rule;
  }

 private:
  struct Place {
    int chain;
    int rule;
  };

  void Decide(Outcome outcome) {
    outcome_ = outcome;
    if (way_) way_->decided_by = way_->matched.back();
  }

  // False at the top: the built-in chain goes on behind our hook.
  bool Return() {
    if (callers_.empty()) return false;
    at_ = callers_.back();
    callers_.pop_back();
    return true;
  }

  Outcome Finish(Outcome outcome) {
    if (way_) {
      way_->outcome = outcome;
      way_->mark = mark_;
    }
    return outcome;
  }

  const std::vector<ReadyChain>& chains_;
  const SimulatedPacket& packet_;
  uint32_t mark_;
  SimulationResult* const way_;  // may be null
  Place at_;
  const ReadyRule* rule_ = nullptr;
  absl::InlinedVector<Place, 16> callers_;
  absl::optional<Outcome> outcome_;
};

// Makes one family's chains ready.
class TableCompiler {
 public:
  using Sets = absl::flat_hash_map<SetName, std::unique_ptr<MemberIndex>>;

  TableCompiler(const ObservedTable& table, const Sets& sets)
      : table_(table), sets_(sets) {
    for (const auto& [name, rules] : table_.chains)
      numbers_[name] = static_cast<int>(numbers_.size());
  }

  absl::StatusOr<std::vector<ReadyChain>> Compile() const {
    std::vector<ReadyChain> chains;
    for (const auto& [name, rules] : table_.chains) {
      ReadyChain chain;
      chain.name = name.value();
      for (const Rule& rule : rules) {
        absl::StatusOr<ReadyRule> ready = CompileRule(rule);
        if (!ready.ok()) return Annotate(ready.status(), chain.name);
        chain.rules.push_back(*std::move(ready));
      }
      chains.push_back(std::move(chain));
    }
    std::vector<State> states(chains.size(), State::kUnseen);
    for (size_t i = 0; i < chains.size(); ++i)
      RETURN_IF_ERROR(CheckLoops(chains, static_cast<int>(i), states));
    return chains;
  }

  // Where a packet of `hook` begins in `chain`, or -1.
  int StartOf(Hook hook, absl::string_view chain) const {
    if (!table_.hooks_in_place &&
        table_.rules_before_hook[static_cast<size_t>(hook)] < 0) {
      return -1;
    }
    const auto it = numbers_.find(ChainName(chain));
    return it == numbers_.end() ? -1 : it->second;
  }

 private:
  enum class State : uint8_t { kUnseen, kOpen, kDone };

  absl::StatusOr<ReadyRule> CompileRule(const Rule& rule) const {
    ReadyRule ready;
    ready.source = rule.source;
    ready.destination = rule.destination;
    ready.protocol = rule.protocol;
    ready.action = rule.action;
    ready.foreign = !rule.foreign.empty();
    for (const Match& match : rule.matches) {
      ASSIGN_OR_RETURN(ReadyMatch done, CompileMatch(match));
      ready.matches.push_back(std::move(done));
    }
    if (const ChainName* target = TargetChain(rule)) {
      const auto it = numbers_.find(*target);
      if (it == numbers_.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "a rule leads to chain ", target->value(), ", which is not there"));
      }
      ready.target = it->second;
    }
    return ready;
  }

  absl::StatusOr<ReadyMatch> CompileMatch(const Match& match) const {
    return absl::visit(
        [this](const auto& m) -> absl::StatusOr<ReadyMatch> {
          if constexpr (std::is_same_v<std::decay_t<decltype(m)>, SetMatch>) {
            const auto it = sets_.find(m.set);
            if (it == sets_.end()) {
              return absl::InvalidArgumentError(absl::StrCat(
                  "a rule names set ", m.set.value(), ", which is not there"));
            }
            return ReadyMatch(IndexedSetMatch{it->second.get(), m.side,
                                              m.dimensions, m.negated});
          } else {
            return ReadyMatch(m);
          }
        },
        match);
  }

  static absl::Status CheckLoops(const std::vector<ReadyChain>& chains,
                                 int chain, std::vector<State>& states) {
    if (states[chain] == State::kDone) return absl::OkStatus();
    if (states[chain] == State::kOpen) {
      return absl::InvalidArgumentError(
          absl::StrCat("chain ", chains[chain].name, " is on a loop"));
    }
    states[chain] = State::kOpen;
    for (const ReadyRule& rule : chains[chain].rules) {
      if (rule.target < 0) continue;
      RETURN_IF_ERROR(CheckLoops(chains, rule.target, states));
    }
    states[chain] = State::kDone;
    return absl::OkStatus();
  }

  const ObservedTable& table_;
  const Sets& sets_;
  absl::flat_hash_map<ChainName, int> numbers_;
};

absl::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAccepted:
      return "kAccepted";
    case Outcome::kDropped:
      return "kDropped";
    case Outcome::kRejected:
      return "kRejected";
    case Outcome::kFellThrough:
      return "kFellThrough";
  }
  return "";
}

}  // namespace

std::ostream& operator<<(std::ostream& os, Outcome outcome) {
  return os << OutcomeName(outcome);
}

std::string SimulationResult::ToString() const {
  std::string text(OutcomeName(outcome));
  if (decided_by)
    absl::StrAppend(&text, " by ", decided_by->chain, ":", decided_by->index);
  absl::StrAppendFormat(&text, ", mark 0x%x", mark);
  if (!matched.empty()) absl::StrAppend(&text, ", way");
  for (const RulePlace& place : matched)
    absl::StrAppend(&text, " ", place.chain, ":", place.index);
  return text;
}

// Everything that a packet may meet.
struct PacketSimulator::Program {
  struct Table {
    std::vector<ReadyChain> chains;
    int starts[3] = {-1, -1, -1};  // by Hook
  };

  TableCompiler::Sets sets;
  Table tables[2];  // by Family
};

PacketSimulator::PacketSimulator(std::unique_ptr<const Program> program)
    : program_(std::move(program)) {}
PacketSimulator::PacketSimulator(PacketSimulator&&) noexcept = default;
PacketSimulator& PacketSimulator::operator=(PacketSimulator&&) noexcept =
    default;
PacketSimulator::~PacketSimulator() = default;

absl::StatusOr<PacketSimulator> PacketSimulator::Create(
    const Snapshot& snapshot) {
  auto program = std::make_unique<Program>();
  for (const auto& [name, set] : snapshot.sets)
    program->sets[name] = std::make_unique<MemberIndex>(set);
  for (Family family : kFamilies) {
    Program::Table& table = program->tables[static_cast<int>(family)];
    const TableCompiler compiler(snapshot.table(family), program->sets);
    ASSIGN_OR_RETURN(table.chains, compiler.Compile());
    table.starts[static_cast<int>(Hook::kInput)] =
        compiler.StartOf(Hook::kInput, kInputChain);
    table.starts[static_cast<int>(Hook::kForward)] =
        compiler.StartOf(Hook::kForward, kForwardChain);
    table.starts[static_cast<int>(Hook::kOutput)] =
        compiler.StartOf(Hook::kOutput, kOutputChain);
  }
  return PacketSimulator(std::move(program));
}

SimulationResult PacketSimulator::Simulate(
    Hook hook, const SimulatedPacket& packet) const {
  SimulationResult way;
  way.mark = packet.mark;
  const Program::Table& table =
      program_->tables[static_cast<int>(packet.source.family)];
  const int start = table.starts[static_cast<int>(hook)];
  if (start >= 0) Traveller(table.chains, packet, start, &way).Run();
  return way;
}

Outcome PacketSimulator::Decide(Hook hook,
                                const SimulatedPacket& packet) const {
  const Program::Table& table =
      program_->tables[static_cast<int>(packet.source.family)];
  const int start = table.starts[static_cast<int>(hook)];
  if (start < 0) return Outcome::kFellThrough;
  return Traveller(table.chains, packet, start, nullptr).Run();
}

}  // namespace netpol
