// The daemon in the sandbox of the systemd unit, as far as that can be had
// without systemd.
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/deploy/deployed_node.h"
#include "tests/deploy/service_unit.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// Unless a flag says otherwise.
constexpr int kHealthPort = 20244;

class ServiceRunTest : public DeployedNodeTest {
 protected:
  void SetUp() override {
    DeployedNodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    absl::StatusOr<ServiceUnit> unit = ServiceUnit::Read();
    ASSERT_TRUE(unit.ok()) << unit.status();
    unit_ = *std::move(unit);
    fs::create_directory(NodePath("/run"));
    WriteConfiguration();
  }

  // Where the unit's comment has the kubeconfig.
  void WriteConfiguration() {
    flags_ = unit_->ExampleFlags();
    ASSERT_THAT(flags_, SizeIs(1));
    const fs::path path(
        std::string(absl::StripPrefix(flags_[0], "--kubeconfig=")));
    folder_ = path.parent_path().string();
    const std::string here = NodePath("/configuration");
    fs::create_directory(here);
    KubeconfigContent content;
    content.server = control_plane().url();
    content.ca_file = folder_ + "/ca.crt";
    content.token = kToken;
    ASSERT_TRUE(ReplaceFile(here + "/ca.crt", control_plane().ca_pem()).ok());
    ASSERT_TRUE(WriteKubeconfig(
                    content, absl::StrCat(here, "/", path.filename().string()))
                    .ok());
    flags_.push_back(absl::StrCat("--hostname-override=", kNode));
  }

  // ExecStartPre, in the folder that stands for /run.
  void Prepare() {
    std::string line = unit_->Value("ExecStartPre");
    ASSERT_EQ(line.substr(0, 1), "+");
    Program program;
    for (const absl::string_view word : absl::StrSplit(line.substr(1), ' ')) {
      program.argv.push_back(word.substr(0, 5) == "/run/"
                                 ? NodePath(std::string(word))
                                 : std::string(word));
    }
    const auto result = RunProgram(NetNs::OfCaller(), program);
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->exit_code, 0) << result->err;
  }

  void EnforceIn(const std::string& flavour);

  Confinement Sandbox() {
    Confinement sandbox;
    // ProtectSystem=strict, which is more than ProtectHome=read-only.
    EXPECT_EQ(unit_->Value("ProtectSystem"), "strict");
    sandbox.mounts = {{"/", "/"}, {kEmptyFolder, "/etc"}};
    sandbox.mounts.push_back({NodePath("/configuration"), folder_});
    if (unit_->Value("PrivateTmp") == "yes")
      sandbox.mounts.push_back({kEmptyFolder, "/tmp", /*writable=*/true});
    AddProgram(sandbox.mounts);
    sandbox.mounts.push_back({NodePath("/run"), "/run"});
    const std::string folder = "/run/" + unit_->Value("RuntimeDirectory");
    fs::create_directory(NodePath(folder));
    sandbox.mounts.push_back({NodePath(folder), folder, /*writable=*/true});
    for (absl::string_view path : unit_->Words("ReadWritePaths")) {
      const bool may_be_missing = absl::ConsumePrefix(&path, "-");
      const std::string source = NodePath(std::string(path));
      if (may_be_missing && !fs::exists(source)) continue;
      sandbox.mounts.push_back({source, std::string(path), true});
    }
    sandbox.capabilities = unit_->Capabilities();
    sandbox.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return sandbox;
  }

  absl::optional<ServiceUnit> unit_;
  std::vector<std::string> flags_;
  std::string folder_;  // of the kubeconfig
};

void ServiceRunTest::EnforceIn(const std::string& flavour) {
  Prepare();
  flags_.push_back(absl::StrCat("--iptables-backend=", flavour));
  const Confinement sandbox = Sandbox();
  Start(sandbox, unit_->Command(flags_));
  if (HasFatalFailure()) return;
  Await("readiness", [&] { return Http(kHealthPort, "/readyz") == 200; });
  EXPECT_TRUE(Reaches(80));
  EXPECT_FALSE(Reaches(81));
  AllowPort(81);
  Await("the changed policy", [&] { return Reaches(81); });
  EXPECT_EQ(Http(kHealthPort, "/healthz"), 200) << Log();
  const ProgramResult status = Run(sandbox, {kInstalledProgram, "status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, StartsWith("healthy, ready\n"));
  absl::Duration limit;
  ASSERT_TRUE(absl::ParseDuration(unit_->Value("TimeoutStopSec"), &limit));
  const auto ended = daemon().Terminate(limit);
  EXPECT_EQ(ended.value_or(-1), 0) << ended.status();
  EXPECT_FALSE(Reaches(80));
}

TEST_F(ServiceRunTest, EnforcesAndFollowsAndEndsInTimeWithLegacyTables) {
  EnforceIn("legacy");
}

TEST_F(ServiceRunTest, EnforcesAndFollowsAndEndsInTimeWithNftTables) {
  EnforceIn("nft");
}

TEST_F(ServiceRunTest, SandboxLetsItWriteItsRunFilesOnly) {
  Prepare();
  const Confinement sandbox = Sandbox();
  for (const char* path :
       {"/new", "/etc/new", "/root/new", "/run/new", "/usr/new"}) {
    EXPECT_THAT(Run(sandbox, {"touch", path}).err,
                HasSubstr("Read-only file system"))
        << path;
  }
  for (const char* path : {"/run/netpol/new", "/run/xtables.lock", "/tmp/new"})
    EXPECT_EQ(Run(sandbox, {"touch", path}).exit_code, 0) << path;
}

// What ExecStartPre is for.
TEST_F(ServiceRunTest, WithoutTheLocksFileTheLogSaysWhatIsMissing) {
  flags_.push_back("--iptables-backend=legacy");
  Start(Sandbox(), unit_->Command(flags_));
  if (HasFatalFailure()) return;
  Await("the complaint",
        [&] { return Log().find("/run/xtables.lock") != std::string::npos; });
  EXPECT_NE(Http(kHealthPort, "/readyz"), 200);
}

}  // namespace
}  // namespace netpol
