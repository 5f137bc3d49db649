#include "netpol/daemon/options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::StatusOr<DaemonOptions> Make(const Flags& flags) {
  return MakeOptions(flags, /*environment_node_name=*/"",
                     /*host_name=*/"node-a");
}

std::string ErrorOf(const Flags& flags) {
  const absl::StatusOr<DaemonOptions> options = Make(flags);
  if (options.ok()) return "";
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(options.status().message());
}

std::string ClusterRangeError(const std::vector<std::string>& ranges,
                              bool ipv6) {
  Flags flags;
  flags.service_cluster_ip_range = ranges;
  flags.enable_ipv6 = ipv6;
  return ErrorOf(flags);
}

IpPrefix Prefix(const std::string& text) { return *IpPrefix::Parse(text); }

TEST(OptionsTest, DefaultsAreKubeRoutersAndNeedANodeNameOnly) {
  const absl::StatusOr<DaemonOptions> options = Make(Flags());
  ASSERT_TRUE(options.ok()) << options.status();
  const LayoutOptions& layout = options->controller.layout;
  EXPECT_EQ(options->controller.node_name, "node-a");
  EXPECT_THAT(layout.families, ElementsAre(Family::kIPv4));
  EXPECT_THAT(layout.cluster_ip_ranges, ElementsAre(Prefix("10.96.0.0/12")));
  EXPECT_THAT(layout.external_ip_ranges, IsEmpty());
  EXPECT_THAT(layout.load_balancer_ip_ranges, IsEmpty());
  EXPECT_EQ(layout.node_ports, (PortRange{30000, 32767}));
  EXPECT_EQ(layout.allowed_mark, 0x10000u);
  EXPECT_EQ(layout.passed_mark, 0x20000u);
  EXPECT_EQ(layout.icmp, IcmpMode::kKubeRouter);
  EXPECT_EQ(options->sync_period, absl::Minutes(5));
  EXPECT_EQ(options->lock_timeout, absl::Seconds(10));
}

TEST(OptionsTest, NodeNameIsOverrideThenEnvironmentThenHost) {
  Flags flags;
  EXPECT_EQ(MakeOptions(flags, "env", "host")->controller.node_name, "env");
  EXPECT_EQ(MakeOptions(flags, "", "host")->controller.node_name, "host");
  flags.hostname_override = "flag";
  EXPECT_EQ(MakeOptions(flags, "env", "host")->controller.node_name, "flag");
}

TEST(OptionsTest, UnknownNodeNamesTheThreeSources) {
  const absl::StatusOr<DaemonOptions> options = MakeOptions(Flags(), "", "");
  EXPECT_THAT(std::string(options.status().message()),
              AllOf(HasSubstr("NODE_NAME"), HasSubstr("host name"),
                    HasSubstr("--hostname-override")));
}

TEST(OptionsTest, BrokenClusterRangeQuotesFlagAndValue) {
  for (const std::string bad : {"10.10.10", "foo", "10.10.10.10", ""}) {
    EXPECT_THAT(ClusterRangeError({bad}, false),
                HasSubstr("--service-cluster-ip-range \"" + bad + "\": "));
  }
}

TEST(OptionsTest, ThreeClusterRangesAreTooMany) {
  EXPECT_THAT(
      ClusterRangeError({"10.0.0.0/16,10.1.0.0/16,2001:db8::/64"}, true),
      AllOf(HasSubstr("--service-cluster-ip-range "
                      "\"10.0.0.0/16,10.1.0.0/16,2001:db8::/64\""),
            HasSubstr("too many CIDRs")));
  EXPECT_THAT(ClusterRangeError(
                  {"10.0.0.0/16", "2001:db8::/64", "2001:db8:1::/64"}, true),
              HasSubstr("too many CIDRs"));
}

TEST(OptionsTest, RangeOfADisabledFamilyIsRefused) {
  EXPECT_THAT(
      ClusterRangeError({"10.0.0.0/16", "10.1.0.0/16", "2001:db8::/64"}, false),
      AllOf(HasSubstr("\"2001:db8::/64\""), HasSubstr("IPv6 is disabled")));
  EXPECT_THAT(ClusterRangeError(
                  {"10.0.0.0/16", "2001:db8::/64", "2001:db8:1::/64"}, false),
              HasSubstr("IPv6 is disabled"));
  Flags flags;
  flags.service_external_ip_range = {"2001:db8::/64"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--service-external-ip-range"));
  flags = Flags();
  flags.loadbalancer_ip_range = {"2001:db8::/64"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--loadbalancer-ip-range"));
  flags = Flags();
  flags.enable_ipv4 = false;
  flags.enable_ipv6 = true;
  flags.service_cluster_ip_range = {"10.0.0.0/16"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("IPv4 is disabled"));
}

TEST(OptionsTest, SoundRangesAreTaken) {
  for (const std::string good : {"10.0.0.1/32", "10.0.0.0/24"})
    EXPECT_EQ(ClusterRangeError({good}, false), "");
  EXPECT_EQ(ClusterRangeError({"2001:db8::/64"}, true), "");
  Flags flags;
  flags.enable_ipv6 = true;
  flags.service_cluster_ip_range = {"10.0.0.0/16,2001:db8::/64"};
  flags.service_external_ip_range = {"199.10.10.10/32", "199.10.10.0/24"};
  flags.loadbalancer_ip_range = {"199.10.11.0/24, 2001:db8:2::/64"};
  const absl::StatusOr<DaemonOptions> options = Make(flags);
  ASSERT_TRUE(options.ok()) << options.status();
  const LayoutOptions& layout = options->controller.layout;
  EXPECT_THAT(layout.cluster_ip_ranges,
              ElementsAre(Prefix("10.0.0.0/16"), Prefix("2001:db8::/64")));
  EXPECT_THAT(layout.external_ip_ranges,
              ElementsAre(Prefix("199.10.10.10/32"), Prefix("199.10.10.0/24")));
  EXPECT_THAT(layout.load_balancer_ip_ranges,
              ElementsAre(Prefix("199.10.11.0/24"), Prefix("2001:db8:2::/64")));
}

TEST(OptionsTest, DefaultClusterRangeGoesWithIPv4) {
  Flags flags;
  flags.enable_ipv4 = false;
  flags.enable_ipv6 = true;
  const absl::StatusOr<DaemonOptions> options = Make(flags);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_THAT(options->controller.layout.cluster_ip_ranges, IsEmpty());
}

TEST(OptionsTest, BrokenExternalAndBalancerRangesAreNamedByItem) {
  for (const std::string bad : {"199.10.10", "foo", "199.10.10.10"}) {
    Flags flags;
    flags.service_external_ip_range = {"199.10.10.0/24," + bad};
    EXPECT_THAT(ErrorOf(flags),
                HasSubstr("--service-external-ip-range \"" + bad + "\": "));
    flags = Flags();
    flags.loadbalancer_ip_range = {"199.10.10.0/24", bad};
    EXPECT_THAT(ErrorOf(flags),
                HasSubstr("--loadbalancer-ip-range \"" + bad + "\": "));
  }
}

TEST(OptionsTest, NoFamilyIsNothingToEnforce) {
  Flags flags;
  flags.enable_ipv4 = false;
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--enable-ipv4"));
}

TEST(PortRangeTest, BothSeparatorsAreTaken) {
  const std::vector<std::pair<std::string, PortRange>> cases = {
      {"8080:8090", {8080, 8090}},     {"8080-8090", {8080, 8090}},
      {"1000-2000", {1000, 2000}},     {"1000:2000", {1000, 2000}},
      {"40000:42767", {40000, 42767}}, {"50000:65535", {50000, 65535}}};
  for (const auto& [text, range] : cases) {
    const absl::StatusOr<PortRange> parsed = ParsePortRange("flag", text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, range) << text;
  }
}

TEST(PortRangeTest, BrokenRangesQuoteFlagAndValue) {
  for (const std::string bad :
       {"8080,8081", "foo:bar", "8080,8081-8090", "8090-8080", "132000-132001",
        "2000:1000", "2000:2000", "65535:65537", "", "-", "1-2-3", "0-10",
        "+1-10", " 1-10", "1-99999999999999999999"}) {
    const absl::StatusOr<PortRange> parsed =
        ParsePortRange("service-node-port-range", bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_THAT(std::string(parsed.status().message()),
                HasSubstr("--service-node-port-range \"" + bad + "\": "));
  }
}

TEST(PortRangeTest, ErrorSaysWhatIsWrong) {
  const auto error = [](const std::string& text) {
    return std::string(ParsePortRange("flag", text).status().message());
  };
  EXPECT_THAT(error("8080,8081"), HasSubstr("FIRST-LAST"));
  EXPECT_THAT(error("8090-8080"), HasSubstr("below the last"));
  EXPECT_THAT(error("132000-132001"), HasSubstr("first port"));
  EXPECT_THAT(error("65535:65537"), HasSubstr("last port"));
}

TEST(OptionsTest, MarksAreHexadecimalAndShareNoBit) {
  Flags flags;
  flags.netpol_allow_mark = "0x4";
  flags.netpol_pass_mark = "8";
  const absl::StatusOr<DaemonOptions> options = Make(flags);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->controller.layout.allowed_mark, 4u);
  EXPECT_EQ(options->controller.layout.passed_mark, 8u);
  for (const std::string bad : {"", "0", "0x1ffffffff", "bit", "0x4"}) {
    flags.netpol_pass_mark = bad;
    EXPECT_THAT(ErrorOf(flags),
                HasSubstr("--netpol-pass-mark \"" + bad + "\": "));
  }
}

TEST(OptionsTest, DurationsAreGosAndFinite) {
  Flags flags;
  flags.iptables_sync_period = "1m30s";
  EXPECT_EQ(Make(flags)->sync_period, absl::Seconds(90));
  for (const std::string bad : {"", "5", "0s", "-1s", "inf", "soon"}) {
    flags = Flags();
    flags.iptables_lock_timeout = bad;
    EXPECT_THAT(ErrorOf(flags),
                HasSubstr("--iptables-lock-timeout \"" + bad + "\": "));
    flags = Flags();
    flags.iptables_sync_period = bad;
    EXPECT_THAT(ErrorOf(flags),
                HasSubstr("--iptables-sync-period \"" + bad + "\": "));
  }
}

TEST(OptionsTest, TheDefaultDenyIsOffUnlessAskedFor) {
  Flags flags;
  EXPECT_FALSE(Make(flags)->controller.layout.default_deny);
  flags.netpol_default_deny = true;
  EXPECT_TRUE(Make(flags)->controller.layout.default_deny);
}

TEST(OptionsTest, IcmpIsOneOfTwoModes) {
  Flags flags;
  flags.icmp = "policy";
  EXPECT_EQ(Make(flags)->controller.layout.icmp, IcmpMode::kPolicy);
  flags.icmp = "none";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--icmp \"none\": "));
}

}  // namespace
}  // namespace netpol
