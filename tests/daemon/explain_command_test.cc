// `netpolctl explain --manifests`, which needs no root and no kernel.
#include "netpol/daemon/explain_command.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kCluster[] = R"yaml(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: node-a}
status: {phase: Running, hostIP: 172.16.0.1, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: "fd00::11"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  nodeName: node-a
  containers: [{name: main, ports: [{name: sql, containerPort: 5432}]}]
status: {phase: Running, hostIP: 172.16.0.1, podIP: 10.0.0.9, podIPs: [{ip: 10.0.0.9}, {ip: "fd00::19"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-in, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: api}}}]
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: sql}, {port: 8000, endPort: 8010}]
  - from: [{ipBlock: {cidr: "192.0.2.0/24"}}]
)yaml";

struct CommandResult {
  ExitCode exit_code = kDone;
  std::string out;
  std::string err;
};

class ExplainCommandTest : public testing::Test {
 protected:
  ExplainCommandTest() {
    std::string pattern = testing::TempDir() + "/explain.XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ + "/cluster.yaml") << kCluster;
    flags_.command = CommandKind::kExplain;
    flags_.manifests = {folder_};
    flags_.hostname_override = "node-a";
    flags_.enable_ipv6 = true;
  }
  ~ExplainCommandTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  CommandResult Explain(const std::string& from, const std::string& to,
                        uint32_t port = 0) {
    flags_.from = from;
    flags_.to = to;
    flags_.port = port;
    std::ostringstream out, err;
    Console console(flags_, out, err, /*err_is_terminal=*/false);
    CommandResult result;
    result.exit_code = RunExplain(flags_, console);
    result.out = out.str();
    result.err = err.str();
    return result;
  }

  nlohmann::json Json(const std::string& from, const std::string& to,
                      uint32_t port = 0) {
    flags_.output = "json";
    const CommandResult result = Explain(from, to, port);
    EXPECT_EQ(result.exit_code, kDone) << result.err;
    nlohmann::json json = nlohmann::json::parse(result.out, nullptr,
                                                /*allow_exceptions=*/false);
    EXPECT_TRUE(json.is_object()) << result.out;
    return json;
  }

  std::string folder_;
  Flags flags_;
};

TEST_F(ExplainCommandTest, AllowedNamesPolicyRuleAndTheKernelsRule) {
  const CommandResult result = Explain("shop/web", "shop/db", 5432);
  EXPECT_EQ(result.exit_code, kDone) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("allowed: shop/web → shop/db TCP 5432\n"),
            HasSubstr("IPv4 10.0.0.1 → 10.0.0.9: allowed\n"),
            HasSubstr("IPv6 fd00::11 → fd00::19: allowed\n"),
            HasSubstr("egress of shop/web (this node): allowed; no policy "
                      "isolates it for egress\n"),
            HasSubstr("ingress of shop/db (this node): allowed; by shop/db-in "
                      "ingress[1], peer podSelector app=web, port TCP port "
                      "\"sql\"\n"),
            HasSubstr("kernel (as it would be), FORWARD: accepted by "),
            HasSubstr("\"shop/db-in ingress pods np\""),
            HasSubstr("(agrees)")));
}

TEST_F(ExplainCommandTest, DeniedSaysWhatOfEachRuleDoesNotMatch) {
  const CommandResult result = Explain("shop/web", "shop/db", 80);
  EXPECT_EQ(result.exit_code, kDone) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("denied: shop/web → shop/db TCP 80\n"),
            HasSubstr("isolated by shop/db-in, no rule of which matches\n"),
            HasSubstr("shop/db-in ingress[0]: peer does not match (podSelector "
                      "app=api), port matches (every port)\n"),
            HasSubstr("shop/db-in ingress[1]: peer matches (podSelector "
                      "app=web), port does not match (TCP port \"sql\", TCP "
                      "8000-8010)\n"),
            HasSubstr("\"shop/db reject\" (agrees)")));
}

TEST_F(ExplainCommandTest, WithoutPortTheAllowedOnesAreListed) {
  EXPECT_THAT(Explain("shop/web", "shop/db").out,
              AllOf(HasSubstr("denied: shop/web → shop/db TCP, every port\n"),
                    HasSubstr("allowed on TCP 5432, 8000-8010, denied "
                              "elsewhere")));
  EXPECT_THAT(Explain("192.0.2.7", "shop/db").out,
              AllOf(HasSubstr("allowed: 192.0.2.7 → shop/db TCP, every port\n"),
                    HasSubstr("by shop/db-in ingress[2], peer ipBlock")));
}

TEST_F(ExplainCommandTest, JsonIsOneObjectWithTheVerdict) {
  const nlohmann::json denied = Json("shop/web", "shop/db", 80);
  EXPECT_EQ(denied["verdict"], "denied");
  EXPECT_EQ(denied["agrees"], true);
  EXPECT_EQ(denied["offline"], true);
  EXPECT_EQ(denied["node"], "node-a");
  ASSERT_EQ(denied["paths"].size(), 2u);
  EXPECT_EQ(denied["paths"][0]["ingress"]["cause"], "NO_RULE_MATCHES");
  EXPECT_EQ(denied["paths"][0]["ingress"]["policies"][0]["name"], "shop/db-in");
  EXPECT_EQ(denied["paths"][0]["kernel"]["decidedBy"]["comment"],
            "shop/db reject");
  EXPECT_EQ(Json("shop/web", "shop/db", 5432)["verdict"], "allowed");
  EXPECT_EQ(Json("shop/web", "shop/db")["paths"][1]["allowedPorts"].size(), 2u);
}

TEST_F(ExplainCommandTest, NodeIsKnownByItsPods) {
  const nlohmann::json node = Json("node", "shop/db", 80);
  EXPECT_EQ(node["verdict"], "allowed");
  EXPECT_EQ(node["paths"][0]["source"], "172.16.0.1");
  EXPECT_EQ(node["paths"][0]["kernel"]["hook"], "OUTPUT");
  EXPECT_EQ(Json("172.16.0.1", "shop/db", 80)["verdict"], "allowed");
  EXPECT_EQ(Json("172.16.0.2", "shop/db", 80)["verdict"], "denied");
  EXPECT_EQ(Json("shop/web", "node", 80)["paths"][0]["kernel"]["hook"],
            "INPUT");
}

TEST_F(ExplainCommandTest, AddressThatIsLikelyTheNodesIsToldOf) {
  const nlohmann::json bridge = Json("10.0.0.0", "shop/db", 80);
  EXPECT_EQ(bridge["verdict"], "allowed");
  ASSERT_EQ(bridge["notes"].size(), 1u);
  EXPECT_THAT(std::string(bridge["notes"][0]), HasSubstr("is taken for"));
  // A pod's address is the pod's, wherever it stands.
  EXPECT_EQ(Json("10.0.0.1", "shop/db", 80)["verdict"], "denied");
}

TEST_F(ExplainCommandTest, IcmpIsAnEchoRequest) {
  flags_.protocol = "icmp";
  EXPECT_THAT(Explain("shop/web", "shop/db").out,
              HasSubstr("allowed: shop/web → shop/db ICMP echo request\n"));
  flags_.icmp = "policy";
  EXPECT_THAT(Explain("shop/web", "shop/db").out,
              HasSubstr("denied: shop/web → shop/db ICMP echo request\n"));
  EXPECT_THAT(Explain("192.0.2.7", "shop/db").out, HasSubstr("allowed: "));
  EXPECT_EQ(Explain("shop/web", "shop/db", 80).exit_code, kUsage);
}

TEST_F(ExplainCommandTest, UnknownPodIsAnErrorThatNamesItsLikes) {
  const CommandResult result = Explain("shop/wed", "shop/db");
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "netpolctl explain: explaining: there is no pod shop/wed; did you "
            "mean shop/web\n");
}

TEST_F(ExplainCommandTest, EndThatIsNoneIsAUsageError) {
  const CommandResult result = Explain("web", "shop/db");
  EXPECT_EQ(result.exit_code, kUsage);
  EXPECT_THAT(result.err, HasSubstr("\"web\""));
}

TEST_F(ExplainCommandTest, ProblemsOfAPolicyAreShownAndDoNotEndIt) {
  std::ofstream(folder_ + "/wrong.yaml") << R"yaml(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: wrong, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{ports: [{port: 80, protocol: ICMP}]}]
)yaml";
  const CommandResult result = Explain("shop/web", "shop/db", 80);
  EXPECT_EQ(result.exit_code, kDone) << result.err;
  EXPECT_THAT(result.out, HasSubstr("shop/wrong is not understood in part"));
  EXPECT_THAT(result.err, HasSubstr("shop/wrong"));
}

TEST_F(ExplainCommandTest, WhatCannotBeReadIsNamedAsNotCounted) {
  std::ofstream(folder_ + "/broken.yaml") << R"yaml(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: broken, namespace: shop}
spec: {podSelector: {matchLabels: {app: 1}}}
)yaml";
  const CommandResult result = Explain("shop/web", "shop/db", 5432);
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("not counted: "), HasSubstr("broken.yaml")));
  const nlohmann::json json = Json("shop/web", "shop/db", 5432);
  ASSERT_FALSE(json["problems"].empty());
  EXPECT_EQ(json["problems"][0]["severity"], "ERROR");
}

TEST_F(ExplainCommandTest, FamilyThatIsNotEnforcedIsLeftOutAndToldOf) {
  flags_.enable_ipv6 = false;
  const nlohmann::json json = Json("shop/web", "shop/db", 80);
  EXPECT_EQ(json["paths"].size(), 1u);
  EXPECT_THAT(std::string(json["notes"][0]), HasSubstr("IPv6 is not enforced"));
  EXPECT_EQ(Json("fd00::11", "fd00::19", 80)["verdict"], "allowed");
}

TEST_F(ExplainCommandTest, ManifestsThatCannotBeReadAreAnError) {
  flags_.manifests = {folder_ + "/none"};
  const CommandResult result = Explain("shop/web", "shop/db");
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr(folder_ + "/none"));
}

}  // namespace
}  // namespace netpol
