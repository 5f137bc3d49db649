#include "netpol/daemon/command_line.h"

#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Parsed {
  absl::optional<Flags> flags;
  ExitCode exit_code = kDone;
  std::string out;
  std::string err;
};

Parsed Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "netpolctl");
  std::ostringstream out, err;
  Parsed parsed;
  parsed.flags = ParseCommandLine(static_cast<int>(arguments.size()),
                                  arguments.data(), out, err, parsed.exit_code);
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

TEST(CommandLineTest, CommandsAreRecognised) {
  EXPECT_EQ(Parse({"run", "--manifests", "a"}).flags->command,
            CommandKind::kRun);
  EXPECT_EQ(Parse({"apply", "--manifests", "a"}).flags->command,
            CommandKind::kApply);
  EXPECT_EQ(Parse({"plan", "--manifests", "a"}).flags->command,
            CommandKind::kPlan);
  EXPECT_EQ(Parse({"show"}).flags->command, CommandKind::kShow);
  EXPECT_EQ(Parse({"cleanup"}).flags->command, CommandKind::kCleanup);
  EXPECT_EQ(Parse({"check"}).flags->command, CommandKind::kCheck);
  EXPECT_EQ(Parse({"explain", "a/b", "c/d"}).flags->command,
            CommandKind::kExplain);
  EXPECT_EQ(Parse({"status"}).flags->command, CommandKind::kStatus);
  EXPECT_EQ(Parse({"version"}).flags->command, CommandKind::kVersion);
}

TEST(CommandLineTest, ListsMayBeRepeatedAndTakeNoOtherArguments) {
  const Parsed parsed =
      Parse({"apply", "--manifests", "a", "--manifests=b",
             "--service-cluster-ip-range", "10.0.0.0/8,fd00::/64",
             "--service-cluster-ip-range=10.1.0.0/16"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_THAT(parsed.flags->manifests, ElementsAre("a", "b"));
  EXPECT_THAT(parsed.flags->service_cluster_ip_range,
              ElementsAre("10.0.0.0/8,fd00::/64", "10.1.0.0/16"));
  EXPECT_EQ(Parse({"apply", "--manifests", "a", "b"}).exit_code, kUsage);
}

TEST(CommandLineTest, FamiliesAreSwitchedAsInGo) {
  const Parsed parsed = Parse(
      {"apply", "--manifests", "a", "--enable-ipv4=false", "--enable-ipv6"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_FALSE(parsed.flags->enable_ipv4);
  EXPECT_TRUE(parsed.flags->enable_ipv6);
  const Parsed defaults = Parse({"apply", "--manifests", "a", "--enable-ipv4"});
  ASSERT_TRUE(defaults.flags) << defaults.err;
  EXPECT_TRUE(defaults.flags->enable_ipv4);
  EXPECT_FALSE(defaults.flags->enable_ipv6);
  EXPECT_TRUE(Parse({"apply", "--manifests", "a", "--enable-ipv6=true"})
                  .flags->enable_ipv6);
}

TEST(CommandLineTest, WrongLinesAreUsageErrorsThatSayWhereHelpIs) {
  for (const std::vector<const char*>& line :
       std::vector<std::vector<const char*>>{
           {},
           {"frobnicate"},
           {"apply"},
           {"apply", "--manifests"},
           {"apply", "--manifests", "a", "--frobnicate"},
           {"apply", "--manifests", "a", "--output", "xml"},
           {"run", "--manifests", "a", "-v", "-1"},
           {"run", "--manifests", "a", "--log-format", "xml"},
           {"run", "--manifests", "a", "--health-port", "65536"},
           {"run", "--manifests", "a", "--metrics-port", "-1"},
           {"apply", "--manifests", "a", "--health-port", "1"},
           {"status", "web"},
           {"explain", "a/b"},
           {"explain", "a/b", "c/d", "e/f"},
           {"explain", "a/b", "c/d", "--port", "0"},
           {"explain", "a/b", "c/d", "--port", "65536"},
           {"explain", "a/b", "c/d", "--port", "http"},
           {"explain", "a/b", "c/d", "--protocol", "gre"},
           {"show", "apply"}}) {
    const Parsed parsed = Parse(line);
    EXPECT_FALSE(parsed.flags);
    EXPECT_EQ(parsed.exit_code, kUsage);
    EXPECT_EQ(parsed.out, "");
    EXPECT_THAT(parsed.err, AllOf(HasSubstr("reading the command line: "),
                                  HasSubstr("--help")));
  }
}

TEST(CommandLineTest, CleanupTakesItsModeAndWhoseProgramsRun) {
  const Parsed plain = Parse({"cleanup"});
  ASSERT_TRUE(plain.flags) << plain.err;
  EXPECT_EQ(plain.flags->cleanup_mode, "complete");
  EXPECT_EQ(plain.flags->iptables_backend, "auto");
  const Parsed parsed = Parse({"cleanup", "--mode=pipeline", "--dry-run",
                               "--iptables-backend=legacy", "--force"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_EQ(parsed.flags->cleanup_mode, "pipeline");
  EXPECT_EQ(parsed.flags->iptables_backend, "legacy");
  EXPECT_TRUE(parsed.flags->dry_run && parsed.flags->force);
  EXPECT_EQ(Parse({"cleanup", "--mode=other"}).exit_code, kUsage);
}

TEST(CommandLineTest, RunCanBeToldToCleanUp) {
  const Parsed plain = Parse({"run"});
  ASSERT_TRUE(plain.flags) << plain.err;
  EXPECT_FALSE(plain.flags->cleanup_config);
  EXPECT_FALSE(plain.flags->disable_network_policy);
  const Parsed parsed = Parse({"run", "--cleanup-config", "--enable-ipv6",
                               "--service-cluster-ip-range=10.43.0.0/16"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_TRUE(parsed.flags->cleanup_config);
  EXPECT_TRUE(Parse({"run", "--disable-network-policy=true"})
                  .flags->disable_network_policy);
}

TEST(CommandLineTest, HelpNamesTheExitCodes) {
  for (const std::vector<const char*>& line :
       std::vector<std::vector<const char*>>{{"--help"},
                                             {"run", "--help"},
                                             {"apply", "--help"},
                                             {"plan", "--help"},
                                             {"show", "--help"},
                                             {"cleanup", "--help"},
                                             {"check", "--help"},
                                             {"explain", "--help"},
                                             {"status", "--help"},
                                             {"version", "--help"}}) {
    const Parsed parsed = Parse(line);
    EXPECT_FALSE(parsed.flags);
    EXPECT_EQ(parsed.exit_code, kDone);
    EXPECT_THAT(parsed.out,
                AllOf(HasSubstr("Usage: netpolctl"), HasSubstr("Exit codes:")));
  }
}

TEST(CommandLineTest, ExplainTakesAQuestion) {
  const Parsed parsed =
      Parse({"explain", "--manifests", "m", "--node", "n", "a/b", "node",
             "--protocol", "UDP", "--port=53", "-o", "json"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_THAT(parsed.flags->manifests, ElementsAre("m"));
  EXPECT_EQ(parsed.flags->hostname_override, "n");
  EXPECT_EQ(parsed.flags->from, "a/b");
  EXPECT_EQ(parsed.flags->to, "node");
  EXPECT_EQ(parsed.flags->protocol, "UDP");
  EXPECT_EQ(parsed.flags->port, 53u);
  EXPECT_TRUE(parsed.flags->enable_ipv6);
  EXPECT_FALSE(Parse({"explain", "a/b", "c/d", "--enable-ipv6=false"})
                   .flags->enable_ipv6);
  EXPECT_EQ(Parse({"explain", "a/b", "c/d", "--hostname-override=n"})
                .flags->hostname_override,
            "n");
  EXPECT_EQ(Parse({"explain", "a/b", "c/d"}).flags->port, 0u);
  // Only explain takes both families unless told otherwise.
  EXPECT_FALSE(Parse({"run", "--manifests", "a"}).flags->enable_ipv6);
}

TEST(CommandLineTest, RunSaysWhereHealthAndMetricsAre) {
  const Parsed defaults = Parse({"run", "--manifests", "a"});
  ASSERT_TRUE(defaults.flags) << defaults.err;
  EXPECT_EQ(defaults.flags->health_addr, "");
  EXPECT_EQ(defaults.flags->health_port, 20244);
  EXPECT_EQ(defaults.flags->metrics_addr, "");
  EXPECT_EQ(defaults.flags->metrics_port, 0);
  EXPECT_EQ(defaults.flags->metrics_path, "/metrics");
  EXPECT_EQ(defaults.flags->log_format, "text");
  const Parsed parsed =
      Parse({"run", "--manifests", "a", "--health-addr=10.0.0.1",
             "--health-port", "0", "--metrics-addr", "", "--metrics-port=8080",
             "--metrics-path=/m", "--log-format=json"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_EQ(parsed.flags->health_addr, "10.0.0.1");
  EXPECT_EQ(parsed.flags->health_port, 0);
  EXPECT_EQ(parsed.flags->metrics_addr, "");
  EXPECT_EQ(parsed.flags->metrics_port, 8080);
  EXPECT_EQ(parsed.flags->metrics_path, "/m");
  EXPECT_EQ(parsed.flags->log_format, "json");
}

TEST(CommandLineTest, StatusAsksAtASocket) {
  const Parsed parsed =
      Parse({"status", "--control-socket=/s", "--output", "json"});
  ASSERT_TRUE(parsed.flags) << parsed.err;
  EXPECT_EQ(parsed.flags->control_socket, "/s");
  EXPECT_EQ(parsed.flags->output, "json");
}

TEST(CommandLineTest, VerbosityHasBothOfItsNames) {
  EXPECT_EQ(Parse({"run", "--manifests", "a", "-v", "2"}).flags->verbosity, 2);
  EXPECT_EQ(Parse({"run", "--manifests", "a", "--v=3"}).flags->verbosity, 3);
}

}  // namespace
}  // namespace netpol
