#include "netpol/watch/kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/watch/kube/test_certificates.h"
#include "tests/watch/kube/test_folder.h"

namespace netpol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Result = absl::StatusOr<ExecCredential>;

constexpr char kVersion[] = "client.authentication.k8s.io/v1";
constexpr absl::Duration kLong = absl::Seconds(30);

std::string Printed(const nlohmann::json& status,
                    const std::string& version = kVersion) {
  return nlohmann::json({{"apiVersion", version},
                         {"kind", "ExecCredential"},
                         {"status", status}})
      .dump();
}

// Whether a process is gone, or will be as soon as its parent looks.
bool Ended(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  return stat.empty() || absl::StrContains(stat, ") Z ");
}

class ExecPluginTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.command = "unset";
    config_.api_version = kVersion;
  }

  // The plugin is a shell script with this body.
  void Script(const std::string& body) {
    config_.command = folder_.WriteScript("plugin", body);
  }
  // It prints this, which may have quotes.
  void ScriptPrints(const std::string& text, const std::string& before = "") {
    folder_.Write("output", text);
    Script(absl::StrCat(before, "\ncat '", folder_.In("output"), "'"));
  }

  void Create() {
    auto plugin = ExecPlugin::Create(config_, options_);
    ASSERT_TRUE(plugin.ok()) << plugin.status();
    plugin_ = *std::move(plugin);
  }
  Result Finish() {
    const absl::Time end = absl::Now() + kLong;
    while (absl::Now() < end) {
      if (auto result = plugin_->Poll(); result.has_value()) return *result;
      pollfd waiting = {plugin_->fd(), POLLIN, 0};
      poll(&waiting, 1, 1000);
    }
    return absl::InternalError("it did not end in time");
  }
  Result Run() {
    Create();
    const absl::Status status = plugin_->Start();
    return status.ok() ? Finish() : Result(status);
  }
  bool Await(const std::function<bool()>& condition) {
    const absl::Time end = absl::Now() + kLong;
    while (!condition()) {
      if (absl::Now() >= end) return false;
      poll(nullptr, 0, 5);
    }
    return true;
  }
  // The process id that a script writes.
  pid_t PidIn(const std::string& name) {
    int pid = 0;
    EXPECT_TRUE(Await([&] {
      return absl::EndsWith(folder_.Read(name), "\n") &&
             absl::SimpleAtoi(folder_.Read(name), &pid);
    }));
    return pid;
  }

  const TestFolder folder_;
  ExecPluginConfig config_;
  ExecPlugin::Options options_;
  std::unique_ptr<ExecPlugin> plugin_;
};

std::string MessageOf(const Result& result) {
  return result.ok() ? "" : std::string(result.status().message());
}

TEST_F(ExecPluginTest, TokenIsHandedOut) {
  ScriptPrints(Printed({{"token", " secret \n"}}));
  const Result result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->token, "secret");
  EXPECT_EQ(result->client_key_pem, "");
  EXPECT_EQ(result->expiration, absl::InfiniteFuture());
}

TEST_F(ExecPluginTest, CertificateAndTimeAreHandedOutInTheOldVersionToo) {
  const TestCertificate client = TestAuthority("ca").IssueClient("jane");
  config_.api_version = "client.authentication.k8s.io/v1beta1";
  ScriptPrints(Printed({{"clientCertificateData", client.certificate},
                        {"clientKeyData", client.key},
                        {"expirationTimestamp", "2030-01-02T03:04:05+01:00"}},
                       config_.api_version));
  const Result result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->token, "");
  EXPECT_EQ(result->client_certificate_pem, client.certificate);
  EXPECT_EQ(result->client_key_pem, client.key);
  EXPECT_EQ(absl::FormatTime(absl::RFC3339_sec, result->expiration,
                             absl::UTCTimeZone()),
            "2030-01-02T02:04:05+00:00");
}

TEST_F(ExecPluginTest, ArgumentsAndVariablesArriveUntouchedByAnyShell) {
  ScriptPrints(Printed({{"token", "t"}}),
               absl::StrCat("printf '%s|' \"$@\" \"$ONE\" \"$HOME\" > '",
                            folder_.In("seen"), "'"));
  config_.args = {"$(id)", "a b", "*", ""};
  config_.env = {{"ONE", "`x`"}, {"HOME", "/replaced"}};
  ASSERT_EQ(setenv("HOME", "/ours", 1), 0);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(folder_.Read("seen"), "$(id)|a b|*||`x`|/replaced|");
}

TEST_F(ExecPluginTest, OurEnvironmentIsPassedOn) {
  ScriptPrints(Printed({{"token", "t"}}),
               absl::StrCat("printf '%s' \"$NETPOL_EXEC_TEST\" > '",
                            folder_.In("seen"), "'"));
  ASSERT_EQ(setenv("NETPOL_EXEC_TEST", "a=b", 1), 0);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(folder_.Read("seen"), "a=b");
}

TEST_F(ExecPluginTest, PluginIsToldWhatIsAsked) {
  const std::string tell = absl::StrCat(
      "printf '%s' \"$KUBERNETES_EXEC_INFO\" > '", folder_.In("info"), "'");
  ScriptPrints(Printed({{"token", "t"}}), tell);
  ASSERT_TRUE(Run().ok());
  nlohmann::json expected = {{"apiVersion", kVersion},
                             {"kind", "ExecCredential"},
                             {"spec", {{"interactive", false}}}};
  EXPECT_EQ(nlohmann::json::parse(folder_.Read("info")), expected);

  config_.cluster_info = R"({"server": "https://c.example", "config": [1]})";
  ASSERT_TRUE(Run().ok());
  expected["spec"]["cluster"] = nlohmann::json::parse(config_.cluster_info);
  EXPECT_EQ(nlohmann::json::parse(folder_.Read("info")), expected);
}

TEST_F(ExecPluginTest, InputIsEmptyAndErrorsAreThrownAway) {
  ScriptPrints(Printed({{"token", "t"}}),
               absl::StrCat("cat > '", folder_.In("input"),
                            "'\nhead -c 300000 /dev/zero >&2"));
  folder_.Write("input", "not empty");
  const Result result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(folder_.Read("input"), "");
}

TEST_F(ExecPluginTest, MoreThanAPipeHoldsIsRead) {
  ScriptPrints(
      absl::StrCat(std::string(1000000, ' '), Printed({{"token", "t"}})));
  const Result result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->token, "t");
}

TEST_F(ExecPluginTest, PluginThatPrintsTooMuchIsKilled) {
  Script("while :; do echo hunter2hunter2; done");
  const Result result = Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(result), AllOf(HasSubstr(config_.command),
                                       HasSubstr("more than 1048576 bytes"),
                                       Not(HasSubstr("hunter2"))));
}

TEST_F(ExecPluginTest, TooMuchIsTooMuchAlsoWhenItHasEnded) {
  options_.max_output = 100;
  ScriptPrints(absl::StrCat(std::string(100, ' '), Printed({{"token", "t"}})));
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ExecPluginTest, AfterTheTimeLimitTheWholeGroupIsKilled) {
  options_.time_limit = absl::Milliseconds(500);
  Script(absl::StrCat("sleep 1000 &\necho $! > '", folder_.In("child"),
                      "'\nwait"));
  const Result result = Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(MessageOf(result),
              AllOf(HasSubstr(config_.command), HasSubstr("500ms")));
  const pid_t child = PidIn("child");
  EXPECT_TRUE(Await([child] { return Ended(child); }));
}

TEST_F(ExecPluginTest, PluginThatStillRunsIsKilledWithItsOwner) {
  Script(absl::StrCat("echo $$ > '", folder_.In("self"), "'\nsleep 1000"));
  Create();
  ASSERT_TRUE(plugin_->Start().ok());
  const pid_t self = PidIn("self");
  EXPECT_FALSE(Ended(self));
  plugin_.reset();
  EXPECT_TRUE(Ended(self));
}

TEST_F(ExecPluginTest, ChildThatKeepsTheOutputOpenIsNotWaitedFor) {
  ScriptPrints(
      Printed({{"token", "t"}}),
      absl::StrCat("sleep 1000 &\necho $! > '", folder_.In("child"), "'"));
  const Result result = Run();
  const pid_t child = PidIn("child");
  EXPECT_FALSE(Ended(child));
  kill(child, SIGKILL);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->token, "t");
}

TEST_F(ExecPluginTest, FailureIsToldWithoutWhatWasPrinted) {
  Script("echo hunter2; echo hunter2 >&2; exit 3");
  const Result exit = Run();
  EXPECT_EQ(exit.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(exit),
              AllOf(HasSubstr(config_.command), HasSubstr("exit code 3"),
                    HasSubstr("by hand"), Not(HasSubstr("hunter2"))));
  Script("echo hunter2; kill -9 $$");
  const Result signal = Run();
  EXPECT_THAT(MessageOf(signal),
              AllOf(HasSubstr("signal 9"), Not(HasSubstr("hunter2"))));
}

TEST_F(ExecPluginTest, MissingCommandTellsHowToInstallIt) {
  config_.command = "netpol-no-such-plugin";
  const Result plain = Run();
  EXPECT_EQ(plain.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(plain), AllOf(HasSubstr("netpol-no-such-plugin"),
                                      HasSubstr("install it")));
  config_.install_hint = "\nGet it from\n  the shop.\n";
  EXPECT_THAT(MessageOf(Run()), HasSubstr("; Get it from the shop."));
  EXPECT_THAT(MessageOf(Run()), Not(HasSubstr("\n")));
}

TEST_F(ExecPluginTest, BareCommandIsLookedUpInPath) {
  ScriptPrints(Printed({{"token", "t"}}));
  const std::string before = getenv("PATH");
  ASSERT_EQ(
      setenv("PATH", absl::StrCat(folder_.path(), ":", before).c_str(), 1), 0);
  const absl::Cleanup restore = [&before] {
    setenv("PATH", before.c_str(), 1);
  };
  config_.command = "plugin";
  EXPECT_TRUE(Run().ok());
}

TEST_F(ExecPluginTest, FileThatIsNoProgramIsNotGivenToAShell) {
  ScriptPrints(Printed({{"token", "t"}}));
  folder_.Write("plugin", absl::StrCat("cat '", folder_.In("output"), "'\n"));
  const Result result = Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(result), HasSubstr(config_.command));
  EXPECT_FALSE(plugin_->running());
}

TEST_F(ExecPluginTest, OutputThatCannotBeUsedIsNotQuoted) {
  const TestAuthority authority("ca");
  const TestCertificate one = authority.IssueClient("one");
  const TestCertificate two = authority.IssueClient("two");
  const std::pair<std::string, std::string> kCases[] = {
      {"hunter2", "not a JSON object"},
      {"", "not a JSON object"},
      {"[\"hunter2\"]", "not a JSON object"},
      {R"({"kind": "hunter2", "apiVersion": ")" + std::string(kVersion) + "\"}",
       "not an ExecCredential"},
      {Printed({{"token", "hunter2"}}, "hunter2/v1"), kVersion},
      {R"({"kind": "ExecCredential", "apiVersion": ")" + std::string(kVersion) +
           "\"}",
       "no status"},
      {Printed({{"token", 2}}), "token is not a string"},
      {Printed({{"other", "hunter2"}}), "neither a token nor"},
      {Printed({{"token", "hunter2 hunter2"}}), "blanks"},
      {Printed({{"token", "hunter2"}, {"expirationTimestamp", "hunter2"}}),
       "RFC 3339"},
      {Printed({{"token", "hunter2"}, {"clientKeyData", "hunter2"}}),
       "one is missing"},
      {Printed({{"clientCertificateData", "hunter2"},
                {"clientKeyData", "hunter2"}}),
       "no PEM certificate"},
      {Printed({{"clientCertificateData", one.certificate},
                {"clientKeyData", "hunter2"}}),
       "no PEM private key"},
      {Printed({{"clientCertificateData", one.certificate},
                {"clientKeyData", two.key}}),
       "not the key"},
  };
  for (const auto& [text, why] : kCases) {
    ScriptPrints(text);
    const Result result = Run();
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(MessageOf(result),
                AllOf(HasSubstr(config_.command), HasSubstr(why),
                      Not(HasSubstr("hunter2"))));
  }
}

TEST_F(ExecPluginTest, OurDescriptorsAreNotPassedOn) {
  // A program that embeds us may have some without O_CLOEXEC.
  const int leak = open("/dev/null", O_RDONLY);
  ASSERT_GT(leak, 2);
  const absl::Cleanup closer = [leak] { close(leak); };
  ScriptPrints(Printed({{"token", "t"}}),
               absl::StrCat("[ -e /proc/$$/fd/", leak, " ] && echo yes > '",
                            folder_.In("leaked"), "'"));
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(folder_.Read("leaked"), "");
}

TEST_F(ExecPluginTest, SignalsOfOurHostAreNotPassedOn) {
  ASSERT_NE(signal(SIGPIPE, SIG_IGN), SIG_ERR);
  ScriptPrints(Printed({{"token", "t"}}), "kill -PIPE $$");
  const Result result = Run();
  ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);
  EXPECT_THAT(MessageOf(result), HasSubstr("signal 13"));
}

TEST_F(ExecPluginTest, OtherChildrenAreLeftToTheirParent) {
  const pid_t other = fork();
  ASSERT_GE(other, 0);
  if (other == 0) _exit(7);
  ScriptPrints(Printed({{"token", "t"}}));
  ASSERT_TRUE(Run().ok());
  int status = 0;
  EXPECT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(ExecPluginTest, HostThatIgnoresItsChildrenGetsCredentialsToo) {
  ASSERT_NE(signal(SIGCHLD, SIG_IGN), SIG_ERR);
  ScriptPrints(Printed({{"token", "t"}}));
  const Result result = Run();
  ASSERT_NE(signal(SIGCHLD, SIG_DFL), SIG_ERR);
  ASSERT_TRUE(result.ok()) << result.status();
}

TEST_F(ExecPluginTest, DescriptorIsQuietUnlessThePluginRuns) {
  ScriptPrints(Printed({{"token", "t"}}));
  Create();
  pollfd waiting = {plugin_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
  EXPECT_FALSE(plugin_->Poll().has_value());
  ASSERT_TRUE(plugin_->Start().ok());
  EXPECT_EQ(poll(&waiting, 1, 30000), 1);
  ASSERT_TRUE(Finish().ok());
  EXPECT_EQ(poll(&waiting, 1, 200), 0);
  EXPECT_FALSE(plugin_->Poll().has_value());
}

TEST_F(ExecPluginTest, RunsAgainButNotTwiceAtOnce) {
  ScriptPrints(Printed({{"token", "one"}}));
  Create();
  ASSERT_TRUE(plugin_->Start().ok());
  EXPECT_EQ(plugin_->Start().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Finish().ok());
  ScriptPrints(Printed({{"token", "two"}}));
  ASSERT_TRUE(plugin_->Start().ok());
  const Result result = Finish();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->token, "two");
}

}  // namespace
}  // namespace netpol
