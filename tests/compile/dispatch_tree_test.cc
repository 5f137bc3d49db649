#include "netpol/compile/dispatch_tree.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

constexpr size_t kHeadRules = 2;
constexpr size_t kMostRulesPerLevel = 16;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

IpAddress Plus(IpAddress address, absl::uint128 offset) {
  return {address.family, address.bits() + offset};
}

// The chain name says which address it is for.
ChainName TargetFor(const IpAddress& address) {
  return PodChain({"t", address.ToString()}, Direction::kIngress,
                  address.family);
}

DispatchTargets TargetsFor(const std::vector<IpAddress>& addresses) {
  DispatchTargets targets;
  for (const IpAddress& address : addresses)
    targets[address] = {TargetFor(address),
                        absl::StrCat("to ", address.ToString())};
  return targets;
}

std::vector<Rule> Head() {
  std::vector<Rule> head(kHeadRules);
  head[0].action = JumpAction{CommonChain()};
  head[1].action = SetMarkAction{1, 1};
  return head;
}

// A tree and the way of single packets through it.
class Tree {
 public:
  Tree(Direction direction, const std::vector<IpAddress>& addresses)
      : direction_(direction),
        list_(BuildDispatchTree(direction, Head(), TargetsFor(addresses))) {
    for (const Chain& chain : list_) {
      EXPECT_TRUE(chains_.emplace(chain.name, chain.rules).second)
          << chain.name << " stands there twice";
    }
  }

  struct Way {
    ChainName target;  // empty: the packet returned
    int levels = 0;
    size_t most_rules = 0;  // on one level, without the head
    std::string comment;
  };

  Way Walk(const IpAddress& address) const {
    Way way;
    ChainName at = RootChain(direction_);
    while (true) {
      auto it = chains_.find(at);
      if (it == chains_.end()) {
        way.target = at;
        return way;
      }
      ++way.levels;
      const size_t head = way.levels == 1 ? kHeadRules : 0;
      const Rule* taken = nullptr;
      size_t met = 0;
      for (size_t i = head; i < it->second.size() && taken == nullptr; ++i) {
        ++met;
        if (Takes(it->second[i], address)) taken = &it->second[i];
      }
      way.most_rules = std::max(way.most_rules, met);
      if (taken == nullptr) return way;
      way.comment = taken->comment;
      at = absl::get<GotoAction>(taken->action).chain;
    }
  }

  const std::vector<Chain>& list() const { return list_; }

 private:
  // A packet from (egress) or to (ingress) the address; the other side is never
  // looked at.
  bool Takes(const Rule& rule, const IpAddress& address) const {
    const bool egress = direction_ == Direction::kEgress;
    EXPECT_FALSE((egress ? rule.destination : rule.source).has_value()) << rule;
    EXPECT_TRUE(rule.matches.empty() && !rule.protocol) << rule;
    EXPECT_TRUE(absl::holds_alternative<GotoAction>(rule.action)) << rule;
    const absl::optional<IpPrefix>& prefix =
        egress ? rule.source : rule.destination;
    return prefix && prefix->Contains(address);
  }

  Direction direction_;
  std::vector<Chain> list_;
  std::map<ChainName, std::vector<Rule>> chains_;
};

struct Shape {
  std::string name;
  std::vector<IpAddress> addresses;
};

std::vector<IpAddress> Row(absl::string_view first, int count,
                           absl::uint128 step = 1) {
  std::vector<IpAddress> addresses;
  for (int i = 0; i < count; ++i)
    addresses.push_back(Plus(Ip(first), step * i));
  return addresses;
}

std::vector<IpAddress> Scattered(absl::string_view first, int count,
                                 uint64_t span) {
  Random random(count);
  std::set<IpAddress> addresses;
  while (addresses.size() < static_cast<size_t>(count))
    addresses.insert(Plus(Ip(first), random.Below(span)));
  return {addresses.begin(), addresses.end()};
}

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  for (int count : {0, 1, 8, 9, 16, 17, 250}) {
    const std::string n = absl::StrCat(count);
    shapes.push_back({"row of " + n, Row("10.42.0.3", count)});
    shapes.push_back({"row of " + n, Row("fd00:42::3", count)});
    shapes.push_back({"wide row of " + n, Row("10.0.0.1", count, 256)});
    shapes.push_back({"scattered " + n, Scattered("10.42.0.0", count, 1024)});
    shapes.push_back(
        {"scattered " + n, Scattered("fd00:42::", count, ~uint64_t{0})});
  }
  shapes.push_back({"ends of IPv4", {Ip("0.0.0.1"), Ip("255.255.255.255")}});
  std::vector<IpAddress> ends =
      Row("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0", 16);
  ends.push_back(Ip("::1"));
  shapes.push_back({"ends of IPv6", ends});
  return shapes;
}

TEST(DispatchTreeTest, EveryAddressReachesItsChainAndNoOther) {
  for (Direction direction : kDirections) {
    for (const Shape& shape : Shapes()) {
      const Tree tree(direction, shape.addresses);
      for (const IpAddress& address : shape.addresses) {
        const Tree::Way way = tree.Walk(address);
        ASSERT_EQ(way.target, TargetFor(address)) << shape.name << address;
        EXPECT_EQ(way.comment, absl::StrCat("to ", address.ToString()));
      }
    }
  }
}

TEST(DispatchTreeTest, OtherAddressesReturn) {
  for (Direction direction : kDirections) {
    for (const Shape& shape : Shapes()) {
      if (shape.addresses.empty()) continue;
      const Tree tree(direction, shape.addresses);
      const std::set<IpAddress> inside(shape.addresses.begin(),
                                       shape.addresses.end());
      for (const IpAddress& address : shape.addresses) {
        for (int bit = 0; bit < AddressBits(address.family); ++bit) {
          const IpAddress other(
              address.family, address.bits() ^ (absl::uint128(1) << bit));
          if (inside.count(other) > 0) continue;
          ASSERT_TRUE(tree.Walk(other).target.empty())
              << shape.name << ": " << other;
        }
      }
    }
  }
}

TEST(DispatchTreeTest, NoPacketMeetsMoreThanSixteenRulesPerLevel) {
  for (const Shape& shape : Shapes()) {
    const Tree tree(Direction::kIngress, shape.addresses);
    for (const IpAddress& address : shape.addresses) {
      const Tree::Way way = tree.Walk(address);
      EXPECT_LE(way.most_rules, kMostRulesPerLevel) << shape.name;
      EXPECT_LE(way.levels, 4) << shape.name;
    }
  }
}

TEST(DispatchTreeTest, NoAddressesNestTheTreeDeeperThanTheKernelTakes) {
  // Each differs from all others in a bit of its own: hardly any two meet on a
  // level.
  for (absl::string_view first : {"0.0.0.0", "::"}) {
    std::vector<IpAddress> addresses;
    for (int bit = 0; bit < AddressBits(Ip(first).family); ++bit)
      addresses.push_back(Plus(Ip(first), absl::uint128(1) << bit));
    const Tree tree(Direction::kIngress, addresses);
    for (const IpAddress& address : addresses) {
      const Tree::Way way = tree.Walk(address);
      EXPECT_EQ(way.target, TargetFor(address)) << address;
      EXPECT_LE(way.levels, 8) << address;
    }
    EXPECT_TRUE(tree.Walk(Ip(first)).target.empty());
  }
}

TEST(DispatchTreeTest, HandfulOfAddressesIsAList) {
  const Tree tree(Direction::kIngress, Row("10.42.0.3", 8));
  ASSERT_EQ(tree.list().size(), 1u);
  EXPECT_EQ(tree.list().front().rules.size(), kHeadRules + 8);
}

TEST(DispatchTreeTest, RootComesFirstAndBeginsWithTheHead) {
  for (Direction direction : kDirections) {
    for (const Shape& shape : Shapes()) {
      const Tree tree(direction, shape.addresses);
      ASSERT_FALSE(tree.list().empty());
      const Chain& root = tree.list().front();
      EXPECT_EQ(root.name, RootChain(direction));
      ASSERT_GE(root.rules.size(), kHeadRules);
      EXPECT_EQ(std::vector<Rule>(root.rules.begin(),
                                  root.rules.begin() + kHeadRules),
                Head());
    }
  }
}

TEST(DispatchTreeTest, EveryChainIsReachedAndNoneIsEmpty) {
  for (const Shape& shape : Shapes()) {
    const Tree tree(Direction::kEgress, shape.addresses);
    std::set<ChainName> named = {RootChain(Direction::kEgress)};
    for (const Chain& chain : tree.list()) {
      EXPECT_FALSE(chain.rules.empty()) << chain.name;
      for (const Rule& rule : chain.rules) {
        if (const ChainName* target = TargetChain(rule)) named.insert(*target);
      }
    }
    for (const Chain& chain : tree.list())
      EXPECT_EQ(named.count(chain.name), 1u) << shape.name << chain.name;
  }
}

TEST(DispatchTreeTest, SameTargetsGiveTheSameTree) {
  const std::vector<IpAddress> row = Row("10.42.0.3", 250);
  const std::vector<IpAddress> reversed(row.rbegin(), row.rend());
  EXPECT_EQ(Tree(Direction::kIngress, row).list(),
            Tree(Direction::kIngress, reversed).list());
}

TEST(DispatchTreeTest, DirectionsShareNoChain) {
  const std::vector<IpAddress> row = Row("10.42.0.3", 250);
  std::set<ChainName> names;
  const Tree ingress(Direction::kIngress, row);
  const Tree egress(Direction::kEgress, row);
  for (const Chain& chain : ingress.list()) names.insert(chain.name);
  for (const Chain& chain : egress.list())
    EXPECT_EQ(names.count(chain.name), 0u) << chain.name;
}

TEST(DispatchTreeTest, OneAddressMoreLeavesMostChainsAsTheyAre) {
  std::vector<IpAddress> row = Row("10.42.0.3", 200);
  std::map<ChainName, std::vector<Rule>> before;
  const Tree old_tree(Direction::kIngress, row);
  for (const Chain& chain : old_tree.list()) before[chain.name] = chain.rules;
  row.push_back(Ip("10.42.0.203"));
  const Tree new_tree(Direction::kIngress, row);
  int changed = 0;
  for (const Chain& chain : new_tree.list()) {
    auto it = before.find(chain.name);
    changed += it == before.end() || it->second != chain.rules ? 1 : 0;
  }
  EXPECT_LE(changed, 2);
}

}  // namespace
}  // namespace netpol
