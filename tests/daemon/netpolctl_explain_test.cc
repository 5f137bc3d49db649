// `explain` against a running daemon and a real kernel.
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/daemon/netpolctl_lab.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class NetpolctlExplainTest : public NetpolctlTest {
 protected:
  void StartAndAwaitReady() {
    WriteSmallCluster();
    StartDaemon();
    ASSERT_TRUE(AwaitLog("info ready")) << log();
  }

  ProgramResult Explain(std::vector<std::string> question) {
    question.insert(question.begin(),
                    {"explain", "--control-socket=" + control_socket()});
    return Netpolctl(std::move(question));
  }

  nlohmann::json Json(std::vector<std::string> question, int exit_code = 0) {
    question.insert(question.end(), {"-o", "json"});
    const ProgramResult result = Explain(std::move(question));
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    nlohmann::json json = nlohmann::json::parse(result.out, nullptr,
                                                /*allow_exceptions=*/false);
    EXPECT_TRUE(json.is_object()) << result.out;
    return json;
  }

  std::vector<std::string> Lines() {
    return absl::StrSplit(FilterTable(), '\n');
  }

  // The chain whose rule has `comment`.
  std::string ChainWith(const std::string& comment) {
    for (const std::string& line : Lines()) {
      if (!absl::StrContains(line, comment)) continue;
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      if (words[0] == "-A") return words[1];
    }
    ADD_FAILURE() << "no rule says " << comment;
    return "";
  }
};

TEST_F(NetpolctlExplainTest, DaemonAndKernelAgree) {
  StartAndAwaitReady();
  const ProgramResult allowed =
      Explain({"web/back", "web/front", "--port", "80"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(
      allowed.out,
      AllOf(HasSubstr("allowed: web/back → web/front TCP 80\n"),
            HasSubstr("by web/allow ingress[0]"),
            HasSubstr("kernel, FORWARD: accepted by"), HasSubstr("(agrees)")));
  const nlohmann::json denied = Json({"web/back", "web/front", "--port", "81"});
  EXPECT_EQ(denied["verdict"], "denied");
  EXPECT_EQ(denied["agrees"], true);
  EXPECT_EQ(denied["offline"], false);
  EXPECT_EQ(denied["node"], "node-a");
  EXPECT_EQ(denied["pending"], false);
  // The pods have both families, and the daemon enforces one.
  ASSERT_EQ(denied["notes"].size(), 1u) << denied["notes"];
  EXPECT_THAT(std::string(denied["notes"][0]),
              HasSubstr("IPv6 is not enforced"));
  EXPECT_EQ(Json({"web/back", "web/front"})["paths"][0]["allowedPorts"].size(),
            1u);
}

TEST_F(NetpolctlExplainTest, RuleThatSomebodyRemovesIsSeenUntilItIsMended) {
  StartAndAwaitReady();
  const std::string chain = ChainWith("web/allow ingress pods");
  Tool({"iptables-legacy", "-F", chain});
  const ProgramResult text = Explain({"web/back", "web/front", "--port", "80"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.out, AllOf(HasSubstr("allowed: web/back → web/front TCP 80"),
                              HasSubstr("DISAGREES")));
  const nlohmann::json json =
      Json({"web/back", "web/front", "--port", "80"}, /*exit_code=*/1);
  EXPECT_EQ(json["verdict"], "allowed");
  EXPECT_EQ(json["agrees"], false);
  EXPECT_EQ(json["paths"][0]["kernel"]["verdict"], "denied");
  EXPECT_EQ(Json({"web/back", "web/front", "--port", "81"})["agrees"], true);

  ASSERT_EQ(kill(daemon().pid(), SIGHUP), 0);
  ASSERT_TRUE(AwaitLog("synced in ")) << log();
  EXPECT_EQ(Json({"web/back", "web/front", "--port", "80"})["agrees"], true);
}

TEST_F(NetpolctlExplainTest, NodeIsTheMachineThatAnswers) {
  Tool({"ip", "link", "set", "lo", "up"});
  Tool({"ip", "addr", "add", "172.16.0.9/32", "dev", "lo"});
  StartAndAwaitReady();
  const nlohmann::json node = Json({"node", "web/front", "--port", "81"});
  EXPECT_EQ(node["verdict"], "allowed");
  EXPECT_EQ(node["agrees"], true);
  EXPECT_EQ(node["paths"][0]["source"], "172.16.0.9");
  EXPECT_EQ(node["paths"][0]["ingress"]["cause"], "OWN_NODE");
  EXPECT_EQ(Json({"172.16.0.8", "web/front", "--port", "81"})["verdict"],
            "denied");
}

TEST_F(NetpolctlExplainTest, ErrorsOfTheDaemonArrive) {
  StartAndAwaitReady();
  const ProgramResult unknown = Explain({"web/bac", "web/front"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.err,
            "netpolctl explain: explaining: there is no pod web/bac; did you "
            "mean web/back\n");
  EXPECT_EQ(unknown.out, "");
}

TEST_F(NetpolctlExplainTest, WithoutDaemonTheWayOutIsNamed) {
  const ProgramResult none = Explain({"web/back", "web/front"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err,
              AllOf(HasSubstr("no daemon answers at " + control_socket()),
                    HasSubstr("--manifests")));
  StartAndAwaitReady();
  ASSERT_EQ(kill(daemon().pid(), SIGTERM), 0);
  const absl::StatusOr<int> ended = daemon().Wait(absl::Seconds(20));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_NE(access(control_socket().c_str(), F_OK), 0);
  EXPECT_EQ(Explain({"web/back", "web/front"}).exit_code, 1);
}

TEST_F(NetpolctlExplainTest, SocketThatCannotBeMadeIsLoggedAndNoMore) {
  WriteSmallCluster();
  std::ofstream(control_socket()) << "theirs";
  StartDaemon();
  EXPECT_THAT(AwaitLog(control_socket()).value_or(log()),
              AllOf(HasSubstr("error"), HasSubstr("something else is there")));
  EXPECT_TRUE(AwaitLog("info ready")) << log();
}

TEST_F(NetpolctlExplainTest, ManifestsAloneSayTheSame) {
  WriteSmallCluster();
  const std::string before = KernelText();
  const ProgramResult offline = Netpolctl(
      {"explain", "--manifests", manifests(), "--node", "node-a", "web/back",
       "web/front", "--protocol", "tcp", "--port", "81", "--output=json"});
  EXPECT_EQ(offline.exit_code, 0) << offline.err;
  EXPECT_EQ(nlohmann::json::parse(offline.out, nullptr, false)["verdict"],
            "denied");
  EXPECT_EQ(KernelText(), before);
}

}  // namespace
}  // namespace netpol
