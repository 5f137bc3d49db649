// The systemd unit by itself.
#include "tests/deploy/service_unit.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/daemon/command_line.h"
#include "netpol/daemon/options.h"
#include "tests/deploy/daemon_set_manifest.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

constexpr char kAnalyze[] = "/usr/bin/systemd-analyze";

// systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5) and
// systemd.resource-control(5) of version 252; systemd itself only warns of what
// it does not know.
constexpr const char* kKnown[] = {
    "Unit Description",
    "Unit Wants",
    "Unit After",
    "Unit Before",
    "Unit StartLimitIntervalSec",
    "Service Type",
    "Service EnvironmentFile",
    "Service ExecStartPre",
    "Service ExecStart",
    "Service ExecReload",
    "Service Restart",
    "Service RestartSec",
    "Service TimeoutStopSec",
    "Service CapabilityBoundingSet",
    "Service NoNewPrivileges",
    "Service RestrictAddressFamilies",
    "Service ProtectSystem",
    "Service RuntimeDirectory",
    "Service RuntimeDirectoryMode",
    "Service RuntimeDirectoryPreserve",
    "Service ReadWritePaths",
    "Service ProtectHome",
    "Service PrivateTmp",
    "Service PrivateDevices",
    "Service DevicePolicy",
    "Service ProtectClock",
    "Service ProtectControlGroups",
    "Service ProtectHostname",
    "Service ProtectKernelLogs",
    "Service ProtectKernelModules",
    "Service ProtectKernelTunables",
    "Service RestrictNamespaces",
    "Service RestrictRealtime",
    "Service RestrictSUIDSGID",
    "Service LockPersonality",
    "Service KeyringMode",
    "Service MemoryDenyWriteExecute",
    "Service SystemCallArchitectures",
    "Service SystemCallFilter",
    "Service SystemCallErrorNumber",
    "Service UMask",
    "Service OOMScoreAdjust",
    "Service TasksMax",
    "Install WantedBy",
};

class ServiceUnitTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<ServiceUnit> unit = ServiceUnit::Read();
    ASSERT_TRUE(unit.ok()) << unit.status();
    unit_ = *std::move(unit);
  }

  const ServiceUnit& unit() const { return *unit_; }

 private:
  absl::optional<ServiceUnit> unit_;
};

TEST_F(ServiceUnitTest, EverySettingIsOneThatSystemdKnows) {
  std::vector<std::string> found;
  for (const UnitSetting& setting : unit().settings())
    found.push_back(absl::StrCat(setting.section, " ", setting.key));
  absl::btree_set<std::string> once(found.begin(), found.end());
  EXPECT_THAT(once, UnorderedElementsAreArray(kKnown));
}

TEST_F(ServiceUnitTest, CommandRunsTheDaemonWithTheFlagsOfTheComment) {
  const std::vector<std::string> flags = unit().ExampleFlags();
  EXPECT_THAT(flags, ElementsAre(testing::StartsWith("--kubeconfig=/etc/")));
  const std::vector<std::string> command = unit().Command(flags);
  ASSERT_GE(command.size(), 3u);
  EXPECT_EQ(command[0], "/usr/local/sbin/netpolctl");
  std::vector<const char*> argv;
  for (const std::string& word : command) argv.push_back(word.c_str());
  std::ostringstream out, err;
  ExitCode exit_code = kDone;
  const absl::optional<Flags> parsed = ParseCommandLine(
      static_cast<int>(argv.size()), argv.data(), out, err, exit_code);
  ASSERT_TRUE(parsed.has_value()) << err.str();
  EXPECT_EQ(parsed->command, CommandKind::kRun);
  EXPECT_EQ(absl::StrCat("--kubeconfig=", parsed->kubeconfig), flags[0]);
  EXPECT_TRUE(MakeOptions(*parsed, "", "host").ok());
}

TEST_F(ServiceUnitTest, CapabilitiesAreThoseOfTheDaemonSet) {
  const absl::StatusOr<DaemonSetManifest> manifest = DaemonSetManifest::Read();
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(unit().Capabilities(),
              UnorderedElementsAreArray(manifest->Capabilities()));
}

TEST_F(ServiceUnitTest, NothingButTheRunFilesMayBeWritten) {
  EXPECT_EQ(unit().Value("ProtectSystem"), "strict");
  EXPECT_EQ(unit().Value("ProtectHome"), "read-only");
  EXPECT_THAT(unit().Words("ReadWritePaths"),
              ElementsAre("-/run/xtables.lock"));
  const std::string folder =
      absl::StrCat("/run/", unit().Value("RuntimeDirectory"), "/");
  EXPECT_TRUE(absl::StartsWith(Flags().run_lock, folder));
  EXPECT_TRUE(absl::StartsWith(Flags().control_socket, folder));
  // A restart must not take them from programs that hold them open.
  EXPECT_EQ(unit().Value("RuntimeDirectoryPreserve"), "yes");
}

// Where systemd is installed; it need not run. The list above is for all.
TEST_F(ServiceUnitTest, SystemdFindsNoFaultWithIt) {
  if (access(kAnalyze, X_OK) != 0) return;
  std::stringstream text;
  text << std::ifstream("netpol/daemon/deploy/netpolctl.service").rdbuf();
  const std::string copy = absl::StrCat(testing::TempDir(), "/copy.service");
  // It wants the program to be there.
  std::ofstream(copy) << absl::StrReplaceAll(
      text.str(), {{"=/usr/local/sbin/netpolctl ", "=/bin/true "}});
  Program verify;
  verify.argv = {kAnalyze, "verify", "--man=no", copy};
  const auto verified = RunProgram(NetNs::OfCaller(), verify);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->exit_code, 0);
  EXPECT_EQ(verified->err, "");
  // In tenths of 10, which is a service without any hardening.
  Program security;
  security.argv = {kAnalyze, "security", "--offline=yes", "--threshold=30",
                   copy};
  const auto secured = RunProgram(NetNs::OfCaller(), security);
  ASSERT_TRUE(secured.ok()) << secured.status();
  EXPECT_EQ(secured->exit_code, 0) << secured->out << secured->err;
}

}  // namespace
}  // namespace netpol
