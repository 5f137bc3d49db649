// The configurations of kube-router's own tests, from the command line to what
// the controller is told.
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/daemon/command_line.h"
#include "netpol/daemon/options.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;

absl::StatusOr<DaemonOptions> Configure(
    const std::vector<std::string>& arguments,
    const std::string& host_name = "node-a") {
  std::vector<const char*> argv = {"netpolctl", "apply", "--manifests", "m"};
  for (const std::string& argument : arguments)
    argv.push_back(argument.c_str());
  std::ostringstream out, err;
  ExitCode exit_code = kDone;
  const absl::optional<Flags> flags = ParseCommandLine(
      static_cast<int>(argv.size()), argv.data(), out, err, exit_code);
  if (!flags) return absl::InvalidArgumentError(err.str());
  return MakeOptions(*flags, /*environment_node_name=*/"", host_name);
}

struct OptionsCase {
  std::string name;
  std::vector<std::string> arguments;
  // What the error says; empty: there is none.
  std::vector<std::string> error;
};

class KubeRouterOptionsTest : public testing::TestWithParam<OptionsCase> {};

TEST_P(KubeRouterOptionsTest, IsTakenOrRefusedWithTheReason) {
  const absl::StatusOr<DaemonOptions> options = Configure(GetParam().arguments);
  if (GetParam().error.empty()) {
    EXPECT_TRUE(options.ok()) << options.status();
    return;
  }
  ASSERT_TRUE(absl::IsInvalidArgument(options.status())) << options.status();
  for (const std::string& part : GetParam().error)
    EXPECT_THAT(std::string(options.status().message()), HasSubstr(part));
}

std::string ClusterRange(const std::string& value) {
  return absl::StrCat("--service-cluster-ip-range=", value);
}
std::string ExternalRange(const std::string& value) {
  return absl::StrCat("--service-external-ip-range=", value);
}
std::string BalancerRange(const std::string& value) {
  return absl::StrCat("--loadbalancer-ip-range=", value);
}
std::string NodePorts(const std::string& value) {
  return absl::StrCat("--service-node-port-range=", value);
}

std::vector<OptionsCase> ClusterRangeCases() {
  const std::string ipv6 = "--enable-ipv6";
  const std::string two_v4 = ClusterRange("10.96.0.0/16,10.97.0.0/16");
  const std::string one_v4 = ClusterRange("10.96.0.0/16");
  const std::string one_v6 = ClusterRange("2001:db8::/64");
  const std::string two_v6 = ClusterRange("2001:db8::/64,2001:db8:1::/64");
  const std::string flag = "--service-cluster-ip-range";
  return {
      {"Defaults", {}, {}},
      {"ClusterRangeTooShort",
       {ClusterRange("10.10.10")},
       {flag, "\"10.10.10\""}},
      {"ClusterRangeOfLetters", {ClusterRange("foo")}, {flag, "\"foo\""}},
      {"ClusterRangeWithoutLength",
       {ClusterRange("10.10.10.10")},
       {flag, "\"10.10.10.10\""}},
      {"ClusterRangeOfNothing", {ClusterRange("")}, {flag}},
      {"TwoIPv4AndOneIPv6WithoutIPv6",
       {two_v4, one_v6},
       {flag, "IPv6 is disabled"}},
      {"TwoIPv4AndOneIPv6", {ipv6, two_v4, one_v6}, {flag, "too many CIDRs"}},
      {"OneIPv4AndTwoIPv6", {ipv6, one_v4, two_v6}, {flag, "too many CIDRs"}},
      {"OneIPv4AndTwoIPv6WithoutIPv6",
       {one_v4, two_v6},
       {flag, "IPv6 is disabled"}},
      {"IPv4WithoutIPv4",
       {"--enable-ipv4=false", ipv6, one_v4},
       {flag, "IPv4 is disabled"}},
      {"ClusterRangeOfOneAddress", {ClusterRange("10.10.10.10/32")}, {}},
      {"ClusterRangeOfMany", {ClusterRange("10.10.10.0/24")}, {}},
      {"IPv6Only", {"--enable-ipv4=false", ipv6, one_v6}, {}},
      {"DualStack", {ipv6, one_v4, one_v6}, {}},
      {"DualStackWithEverything",
       {ipv6, one_v4, one_v6, ExternalRange("199.10.10.0/24,2001:db8:2::/64"),
        BalancerRange("203.0.113.0/24,2001:db8:3::/64")},
       {}},
  };
}

std::vector<OptionsCase> OtherRangeCases() {
  std::vector<OptionsCase> cases;
  int number = 0;
  for (const auto& [flag, range] :
       {std::make_pair("--service-external-ip-range", &ExternalRange),
        std::make_pair("--loadbalancer-ip-range", &BalancerRange)}) {
    for (const char* bad : {"199.10.10", "foo", "199.10.10.10"}) {
      const std::string quoted = absl::StrCat(flag, " \"", bad, "\"");
      cases.push_back(
          {absl::StrCat("BadRange", ++number), {range(bad)}, {quoted}});
      cases.push_back({absl::StrCat("SecondRangeIsBad", number),
                       {range("199.10.10.0/24"), range(bad)},
                       {quoted}});
    }
    for (const char* good : {"199.10.10.10/32", "199.10.10.0/24"}) {
      cases.push_back({absl::StrCat("GoodRange", ++number), {range(good)}, {}});
    }
    cases.push_back({absl::StrCat("RangeOfADisabledFamily", ++number),
                     {range("2001:db8::/64")},
                     {flag, "IPv6 is disabled"}});
  }
  return cases;
}

std::vector<OptionsCase> NodePortCases() {
  struct Row {
    const char* value;
    const char* cause;  // empty: it is taken
  };
  std::vector<OptionsCase> cases;
  int number = 0;
  for (const Row& row :
       {Row{"8080,8081", "FIRST-LAST"}, Row{"foo:bar", "not a port number"},
        Row{"8080,8081-8090", "not a port number"},
        Row{"8090-8080", "below the last"}, Row{"132000-132001", "first port"},
        Row{"2000:1000", "below the last"}, Row{"2000:2000", "below the last"},
        Row{"65535:65537", "last port"}, Row{"8080:8090", ""},
        Row{"8080-8090", ""}, Row{"1000-2000", ""}, Row{"1000:2000", ""},
        Row{"40000:42767", ""}, Row{"50000:65535", ""}}) {
    OptionsCase c{
        absl::StrCat("NodePorts", ++number), {NodePorts(row.value)}, {}};
    if (row.cause[0] != '\0') {
      c.error = {absl::StrCat("--service-node-port-range \"", row.value, "\""),
                 row.cause};
    }
    cases.push_back(std::move(c));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(ClusterRanges, KubeRouterOptionsTest,
                         testing::ValuesIn(ClusterRangeCases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(OtherRanges, KubeRouterOptionsTest,
                         testing::ValuesIn(OtherRangeCases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(NodePorts, KubeRouterOptionsTest,
                         testing::ValuesIn(NodePortCases()),
                         [](const auto& info) { return info.param.name; });

TEST(KubeRouterNodeNameTest, UnknownNodeNamesEveryWayToNameIt) {
  EXPECT_THAT(std::string(Configure({}, "").status().message()),
              AllOf(HasSubstr("NODE_NAME"), HasSubstr("host name"),
                    HasSubstr("--hostname-override")));
  EXPECT_TRUE(Configure({"--hostname-override=node-b"}, "").ok());
}

// One range, however it is written: the same rules for TCP, UDP and SCTP.
TEST(KubeRouterNodePortsTest, BothFormsMakeTheSameRules) {
  const auto colon = Configure({NodePorts("8080:8090")});
  const auto hyphen = Configure({NodePorts("8080-8090")});
  ASSERT_TRUE(colon.ok() && hyphen.ok());
  const auto other = Configure({NodePorts("8080-8091")});
  for (Family family : kFamilies) {
    const std::vector<Chain> rules =
        FixedChains(colon->controller.layout, family);
    EXPECT_EQ(rules, FixedChains(hyphen->controller.layout, family));
    EXPECT_FALSE(rules == FixedChains(other->controller.layout, family));
  }
}

}  // namespace
}  // namespace netpol
