// `show`, `cleanup`, `check` and `version` against a real kernel.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/daemon/netpolctl_lab.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class NetpolctlShowTest : public NetpolctlTest {
 protected:
  ProgramResult Cleanup(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"cleanup", "--run-lock=" + run_lock()});
    return Netpolctl(std::move(more));
  }
};

nlohmann::json JsonIn(const ProgramResult& result) {
  nlohmann::json json = nlohmann::json::parse(result.out, nullptr,
                                              /*allow_exceptions=*/false);
  EXPECT_FALSE(json.is_discarded()) << result.out << result.err;
  return json;
}

// Fails for every chain, rule and set without an owner; returns how many rules
// there are.
int ExpectOwners(const nlohmann::json& state) {
  int rules = 0;
  for (const nlohmann::json& table : state["tables"]) {
    for (const nlohmann::json& chain : table["chains"]) {
      EXPECT_FALSE(chain["owners"].empty()) << chain;
      for (const nlohmann::json& rule : chain["rules"]) {
        EXPECT_FALSE(rule["owners"].empty()) << rule;
        ++rules;
      }
    }
  }
  for (const nlohmann::json& set : state["sets"])
    EXPECT_FALSE(set["owners"].empty()) << set;
  return rules;
}

// A policy of every pod of namespace web.
std::string PolicyText(const std::string& name, const std::string& ingress) {
  return absl::StrCat(
      "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
      "metadata: {name: ",
      name, ", namespace: web}\nspec:\n  podSelector: {}\n  ingress: ", ingress,
      "\n");
}

TEST_F(NetpolctlShowTest, EveryChainRuleAndSetHasAnOwner) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply", {"--enable-ipv6"}).exit_code, 0);
  const std::string before = KernelText();
  const ProgramResult text = Netpolctl({"show"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(
      text.out,
      AllOf(HasSubstr("# policy web/allow\n"), HasSubstr("# pod web/front\n"),
            HasSubstr("set kube-router-local-pods hash:ip IPv4, 1 "
                      "member  # every pod of this node\n  10.0.0.1\n"),
            HasSubstr("hooks IPv6: in place\n")));
  const nlohmann::json state = JsonIn(Netpolctl({"show", "-o", "json"}));
  ASSERT_EQ(state["tables"].size(), 2u);
  EXPECT_GT(ExpectOwners(state), 40);
  EXPECT_EQ(state["sets"].size(), 4u);
  EXPECT_EQ(KernelText(), before);
}

TEST_F(NetpolctlShowTest, ChainsOfSeveralPoliciesNameThemAll) {
  WriteSmallCluster();
  Write("few.yaml",
        absl::StrCat(PolicyText("closed", "[]"), PolicyText("open", "[{}]")));
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  ProgramResult text = Netpolctl({"show"});
  EXPECT_THAT(
      text.out,
      AllOf(HasSubstr("# policy web/allow, policy web/closed, policy web/open"),
            HasSubstr("# policy web/closed\n"),
            HasSubstr("# policy web/open\n")));
  ExpectOwners(JsonIn(Netpolctl({"show", "-o", "json"})));

  // So many that what they allow is joined.
  std::string more;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    more += PolicyText(name,
                       "[{from: [{podSelector: {matchLabels: {app: back}}"
                       "}]}]");
  }
  Write("more.yaml", more);
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  text = Netpolctl({"show"});
  EXPECT_THAT(text.out, HasSubstr("# policy web/a, policy web/allow, policy "
                                  "web/b, policy web/c, and"));
  ExpectOwners(JsonIn(Netpolctl({"show", "-o", "json"})));
}

TEST_F(NetpolctlShowTest, EmptyKernelShowsNoHooks) {
  const ProgramResult result = Netpolctl({"show"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "hooks IPv4: none\nhooks IPv6: none\n");
}

TEST_F(NetpolctlShowTest, CleanupTakesOursAndLeavesTheRest) {
  Tool({"iptables-legacy", "-A", "FORWARD", "-m", "comment", "--comment",
        "KUBE-ROUTER is not mine", "-j", "ACCEPT"});
  Tool({"iptables-legacy", "-N", "KUBE-FORWARD"});
  Tool({"iptables-legacy", "-A", "FORWARD", "-j", "KUBE-FORWARD"});
  Tool({"ipset", "create", "theirs", "hash:ip"});
  const std::string before = KernelText();
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply", {"--enable-ipv6"}).exit_code, 0);
  ASSERT_NE(KernelText(), before);

  const std::string applied = KernelText();
  const ProgramResult plan = Cleanup({"--dry-run"});
  EXPECT_EQ(plan.exit_code, 2);
  EXPECT_THAT(plan.out, AllOf(HasSubstr("- hooks IPv4"),
                              HasSubstr("- set kube-router-local-pods")));
  EXPECT_EQ(KernelText(), applied);

  const ProgramResult result = Cleanup();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("removed: "), HasSubstr("IPv6: 2 sets\n")));
  EXPECT_EQ(KernelText(), before);

  const ProgramResult again = Cleanup();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, "nothing of ours was there\n");
  EXPECT_EQ(Cleanup({"--dry-run"}).exit_code, 0);
}

TEST_F(NetpolctlShowTest, CleanupNamesASetThatAForeignRuleUses) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  Tool({"iptables-legacy", "-A", "FORWARD", "-m", "set", "--match-set",
        "kube-router-local-pods", "src", "-j", "ACCEPT"});
  const ProgramResult result = Cleanup();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("kube-router-local-pods"), HasSubstr("in use")));
  EXPECT_THAT(FilterTable(), AllOf(Not(HasSubstr("KUBE-")),
                                   HasSubstr("kube-router-local-pods")));
  Tool({"iptables-legacy", "-F", "FORWARD"});
  EXPECT_EQ(Cleanup().exit_code, 0);
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "");
}

TEST_F(NetpolctlShowTest, CheckFindsThisKernelSufficient) {
  const ProgramResult text = Netpolctl({"check", "--enable-ipv6"});
  EXPECT_EQ(text.exit_code, 0) << text.out;
  EXPECT_THAT(text.out, HasSubstr("ok       CAP_NET_ADMIN"));
  const nlohmann::json json = JsonIn(Netpolctl({"check", "-o", "json"}));
  EXPECT_EQ(json["ok"], true);
  EXPECT_GT(json["findings"].size(), 10u);
}

TEST_F(NetpolctlShowTest, ABridgeWithoutNetfilterIsSaidAloud) {
  Tool({"sh", "-c", "echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables"});
  EXPECT_EQ(Netpolctl({"check"}).exit_code, 0);
  Tool({"ip", "link", "add", "br-test", "type", "bridge"});
  const ProgramResult text = Netpolctl({"check"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.out, AllOf(HasSubstr("IPv4 bridge netfilter"),
                              HasSubstr("br-test"), HasSubstr("br_netfilter")));
  WriteSmallCluster();
  StartDaemon();
  EXPECT_TRUE(AwaitLog("IPv4 bridge netfilter").has_value());
}

TEST_F(NetpolctlShowTest, VersionIsPrinted) {
  EXPECT_THAT(Netpolctl({"version"}).out, HasSubstr("netpolctl "));
  EXPECT_TRUE(
      JsonIn(Netpolctl({"version", "-o", "json"}))["version"].is_string());
}

}  // namespace
}  // namespace netpol
