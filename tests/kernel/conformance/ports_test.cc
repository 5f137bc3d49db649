// Ports by number, range and name, and protocols without ports.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

using Ports = PolicyBuilder::Ports;

// One entry of a rule's ports and what it opens.
struct Entry {
  std::string name;
  std::string meaning;
  k8s::NetworkPolicyPort port;
  std::string traffic;  // Not used if `packets` is 0.
  int packets;          // of the 12 of each pair
  bool named = false;   // Only pods have ports by name.
};

// A missing protocol is TCP, a missing port is every port.
std::vector<Entry> BasicEntries() {
  return {
      {"Nothing", "neither: all of TCP", ProtocolPort(""), "TCP", 4},
      {"Number", "a number: of TCP", NumberPort("", 81), "TCP 81", 2},
      {"Name", "a name: of TCP", NamePort("", "serve-81-tcp"), "TCP 81", 2,
       true},
      {"Tcp", "all of TCP", ProtocolPort("TCP"), "TCP", 4},
      {"TcpNumber", "a number", NumberPort("TCP", 81), "TCP 81", 2},
      {"TcpName", "a name", NamePort("TCP", "serve-81-tcp"), "TCP 81", 2, true},
      {"Udp", "all of UDP", ProtocolPort("UDP"), "UDP", 4},
      {"UdpNumber", "a number", NumberPort("UDP", 80), "UDP 80", 2},
      {"UdpName", "a name", NamePort("UDP", "serve-81-udp"), "UDP 81", 2, true},
      {"Sctp", "all of SCTP", ProtocolPort("SCTP"), "SCTP", 4},
      {"SctpNumber", "a number", NumberPort("SCTP", 81), "SCTP 81", 2},
      {"SctpName", "a name", NamePort("SCTP", "serve-80-sctp"), "SCTP 80", 2,
       true},
  };
}

std::vector<Entry> OtherEntries() {
  return {
      {"OtherNumber", "a port that nobody serves", NumberPort("TCP", 79), "",
       0},
      {"FirstNumber", "the first port", NumberPort("UDP", 1), "", 0},
      {"LastNumber", "the last port", NumberPort("SCTP", 65535), "", 0},
      {"UnknownName", "a name that nobody has", NamePort("TCP", "serve-82-tcp"),
       "", 0},
      {"NameOfUdpAsTcp", "a name has its protocol",
       NamePort("TCP", "serve-81-udp"), "", 0},
      {"NameOfTcpAsUdp", "a name has its protocol",
       NamePort("UDP", "serve-81-tcp"), "", 0},
      {"NameOfSctpAsNone", "no protocol is TCP, whatever the name",
       NamePort("", "serve-81-sctp"), "", 0},
      {"RangeOfBoth", "a range with both ends served", RangePort("TCP", 80, 81),
       "TCP", 4},
      {"RangeFrom", "a range that begins with one", RangePort("TCP", 81, 90),
       "TCP 81", 2},
      {"RangeUpTo", "a range that ends with one", RangePort("TCP", 70, 80),
       "TCP 80", 2},
      {"RangeOfOne", "a range of one port", RangePort("TCP", 80, 80), "TCP 80",
       2},
      {"RangeOfOthers", "a range of ports that nobody serves",
       RangePort("TCP", 82, 90), "", 0},
      {"RangeOfAll", "a range of every port", RangePort("TCP", 1, 65535), "TCP",
       4},
      {"RangeUdp", "a range of UDP", RangePort("UDP", 80, 81), "UDP", 4},
      {"RangeSctp", "a range of SCTP", RangePort("SCTP", 81, 65535), "SCTP 81",
       2},
      {"RangeOfNoProtocol", "a range of TCP", RangePort("", 1, 80), "TCP 80",
       2},
  };
}

MatrixExpectation Opened(const PolicySide& side, const Entry& entry) {
  const bool pods_only = entry.named && !side.ingress();
  return side.Allow("x/a", pods_only ? "*/*" : "*", entry.traffic);
}

ConformanceCase CaseOf(const PolicySide& side, const std::string& name,
                       const std::string& meaning,
                       const std::vector<Entry>& entries,
                       absl::optional<int> refused) {
  Ports ports;
  MatrixExpectations expected = {side.Deny("x/a")};
  for (const Entry& entry : entries) {
    ports.push_back(entry.port);
    if (entry.packets > 0) expected.push_back(Opened(side, entry));
  }
  return OneStep(
      side.type() + name, meaning,
      {side.With(side.Policy("x", "ports").Selects({{"pod", "a"}}), {}, ports)},
      expected, refused);
}

std::vector<ConformanceCase> Singles() {
  std::vector<Entry> entries = BasicEntries();
  for (Entry& entry : OtherEntries()) entries.push_back(std::move(entry));
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const Entry& entry : entries) {
      cases.push_back(CaseOf(side, entry.name, entry.meaning, {entry},
                             8 * (12 - entry.packets)));
    }
  }
  return cases;
}

// Either entry is enough.
std::vector<ConformanceCase> Pairs() {
  const std::vector<Entry> entries = BasicEntries();
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (size_t i = 0; i < entries.size(); ++i) {
      for (size_t j = i + 1; j < entries.size(); ++j) {
        cases.push_back(CaseOf(
            side, absl::StrCat(entries[i].name, "And", entries[j].name),
            absl::StrCat(entries[i].meaning, ", or ", entries[j].meaning),
            {entries[i], entries[j]}, {}));
      }
    }
  }
  return cases;
}

struct PortList {
  std::string name;
  std::string meaning;
  Ports ports;
  std::vector<std::string> traffic;
  int packets;  // of the 12 of each pair
};

// Every other one, as neighbours are one range.
Ports Numbers(int first, int count) {
  Ports ports;
  for (int i = 0; i < count; ++i)
    ports.push_back(NumberPort("TCP", first + 2 * i));
  return ports;
}

Ports Joined(Ports a, const Ports& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<PortList> Lists() {
  const auto number = [](const char* protocol, int port) {
    return NumberPort(protocol, port);
  };
  Ports ranges;
  for (int first = 1; first <= 55; first += 6)
    ranges.push_back(RangePort("TCP", first, first + 3));
  return {
      {"EveryProtocol",
       "all three are everything that is sent here",
       {ProtocolPort("TCP"), ProtocolPort("UDP"), ProtocolPort("SCTP")},
       {""},
       12},
      {"OneOfEachProtocol",
       "each protocol has its ports",
       {number("TCP", 80), number("UDP", 81), number("SCTP", 80)},
       {"TCP 80", "UDP 81", "SCTP 80"},
       6},
      {"TheSameTwice",
       "no more than once",
       {number("UDP", 81), number("UDP", 81)},
       {"UDP 81"},
       2},
      {"NumberInRange",
       "a number within a range",
       {number("TCP", 81), RangePort("TCP", 80, 90)},
       {"TCP"},
       4},
      {"RangesThatTouch",
       "two ranges side by side",
       {RangePort("TCP", 70, 80), RangePort("TCP", 81, 90)},
       {"TCP"},
       4},
      {"RangesThatOverlap",
       "two ranges with a port in common",
       {RangePort("UDP", 70, 81), RangePort("UDP", 81, 90)},
       {"UDP"},
       4},
      {"RangesAround",
       "two ranges with a gap",
       {RangePort("SCTP", 1, 79), RangePort("SCTP", 81, 90)},
       {"SCTP 81"},
       2},
      {"NumberWithinAll",
       "a number adds nothing to its protocol",
       {ProtocolPort("TCP"), number("TCP", 80)},
       {"TCP"},
       4},
      {"UnknownNameAndNumber",
       "an unknown name spoils nothing",
       {NamePort("TCP", "nobody"), number("TCP", 80)},
       {"TCP 80"},
       2},
      {"TwentyNumbers",
       "more numbers than one kernel rule holds",
       Joined(Numbers(2, 20), {number("TCP", 81)}),
       {"TCP 81"},
       2},
      {"TwentyOneNumbersFromFront",
       "the first of many",
       Joined({number("TCP", 80)}, Numbers(1000, 20)),
       {"TCP 80"},
       2},
      {"FifteenNumbers",
       "as many as one kernel rule holds",
       Joined(Numbers(2, 14), {number("TCP", 81)}),
       {"TCP 81"},
       2},
      {"SixteenNumbers",
       "one more",
       Joined(Numbers(2, 15), {number("TCP", 81)}),
       {"TCP 81"},
       2},
      {"TenRanges",
       "ranges take twice the room",
       Joined(ranges, {RangePort("TCP", 75, 80)}),
       {"TCP 80"},
       2},
      {"RangesAndNumbers",
       "both, and of two protocols",
       Joined(Joined(ranges, Numbers(1000, 20)),
              {number("TCP", 80), RangePort("UDP", 81, 82)}),
       {"TCP 80", "UDP 81"},
       4},
  };
}

std::vector<ConformanceCase> ListCases() {
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const PortList& row : Lists()) {
      MatrixExpectations expected = {side.Deny("x/a")};
      for (const std::string& traffic : row.traffic)
        expected.push_back(side.Allow("x/a", "*", traffic));
      cases.push_back(
          OneStep(side.type() + row.name, row.meaning,
                  {side.With(side.Policy("x", "ports").Selects({{"pod", "a"}}),
                             {}, row.ports)},
                  expected, 8 * (12 - row.packets)));
    }
  }
  return cases;
}

class PortsTest : public ConformanceSuite {};

TEST_P(PortsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Single, PortsTest, testing::ValuesIn(Singles()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Pair, PortsTest, testing::ValuesIn(Pairs()), CaseName);
INSTANTIATE_TEST_SUITE_P(List, PortsTest, testing::ValuesIn(ListCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
