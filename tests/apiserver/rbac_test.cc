// The rights in the DaemonSet's manifest are those that the daemon needs: with
// them it works, and without any one of them it says which to give.
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/daemon_fixture.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kManifest[] = "netpol/daemon/deploy/daemonset.yaml";
constexpr char kAccount[] = "system:serviceaccount:kube-system:netpolctl";

// One verb on one kind of object.
struct Right {
  std::string group;
  std::string resource;
  std::string verb;

  std::string CollectionPath() const {
    return group.empty() ? absl::StrCat("/api/v1/", resource)
                         : absl::StrCat("/apis/", group, "/v1/", resource);
  }
};

std::vector<Right> RightsOf(const json& role) {
  std::vector<Right> rights;
  for (const json& rule : role["rules"])
    for (const json& group : rule["apiGroups"])
      for (const json& resource : rule["resources"])
        for (const json& verb : rule["verbs"])
          rights.push_back({group, resource, verb});
  return rights;
}

json RuleOf(const Right& right) {
  return {{"apiGroups", {right.group}},
          {"resources", {right.resource}},
          {"verbs", {right.verb}}};
}

class RbacTest : public DaemonTest {
 protected:
  static void SetUpTestSuite() { StartControlPlane(ControlPlaneOptions()); }

  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::ifstream file(kManifest);
    std::stringstream text;
    text << file.rdbuf();
    auto objects = JsonOfManifest(text.str());
    ASSERT_TRUE(objects.ok()) << objects.status();
    for (const json& object : *objects) {
      Succeed(writer().Apply(object));
      if (object["kind"] == "ClusterRole") role_ = object;
    }
    ASSERT_FALSE(role_.is_null()) << "no ClusterRole in " << kManifest;
    const auto token = writer().NewToken("kube-system", "netpolctl");
    ASSERT_TRUE(token.ok()) << token.status();
    token_ = *token;
    kubeconfig().token_file = Put("token", token_);
    for (const Right& right : RightsOf(role_)) AwaitRight(right, true);
  }

  // The server hears of its own roles a moment later.
  void AwaitRight(const Right& right, bool given) {
    ApiWriter account(server().AccessWith(token_));
    const ApiRequest request = {
        .target = absl::StrCat(
            right.CollectionPath(),
            right.verb == "watch" ? "?watch=1&timeoutSeconds=1" : "?limit=1")};
    const absl::Time end = absl::Now() + absl::Minutes(1);
    absl::Status status;
    do {
      status = account.Send(request).status();
      if (given ? status.ok() : absl::IsPermissionDenied(status)) return;
    } while (absl::Now() < end);
    FAIL() << right.verb << " " << right.resource << ": " << status;
  }

  // The role without those rights that `taken` picks.
  template <typename Taken>
  void TakeAway(Taken taken) {
    json less = role_;
    less["rules"] = json::array();
    const std::vector<Right> all = RightsOf(role_);
    for (const Right& right : all)
      if (!taken(right)) less["rules"].push_back(RuleOf(right));
    Succeed(writer().Replace(less));
    for (const Right& right : all) AwaitRight(right, !taken(right));
  }

  void GiveBack() { Succeed(writer().Replace(role_)); }

  json role_;  // as it is shipped
  std::string token_;
};

TEST_F(RbacTest, TheShippedRoleIsListAndWatchOfFourKindsAndSuffices) {
  std::vector<std::string> rights;
  for (const Right& right : RightsOf(role_))
    rights.push_back(absl::StrCat(right.verb, " ", right.resource));
  EXPECT_THAT(rights, UnorderedElementsAre(
                          "list namespaces", "watch namespaces", "list nodes",
                          "watch nodes", "list pods", "watch pods",
                          "list networkpolicies", "watch networkpolicies"));
  // Both where lists are streamed and where they are not.
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{},
        std::vector<std::string>{"--feature-gates=WatchList=false"}}) {
    ASSERT_NO_FATAL_FAILURE(UseFlags(flags));
    ASSERT_NO_FATAL_FAILURE(StartDaemon());
    ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
    Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
    ASSERT_NO_FATAL_FAILURE(AwaitMember("10.42.1.3"));
    Succeed(writer().ApplyEvent(Delete(BackPod(3))));
    ASSERT_NO_FATAL_FAILURE(StopDaemon());
  }
  const auto requests = audit().RequestsOf("netpolctl/");
  ASSERT_FALSE(requests.empty());
  for (const AuditedRequest& request : requests)
    EXPECT_EQ(request.user, kAccount);
}

TEST_F(RbacTest, WithoutAnyOneRightTheDaemonSaysWhichToGive) {
  // Where lists are streamed, nobody needs the right to list.
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--feature-gates=WatchList=false"}));
  ASSERT_NO_FATAL_FAILURE(EnforceEarlier());
  const std::string before = KernelText();
  for (const Right& right : RightsOf(role_)) {
    SCOPED_TRACE(absl::StrCat(right.verb, " ", right.resource));
    ASSERT_NO_FATAL_FAILURE(TakeAway([&](const Right& other) {
      return other.resource == right.resource && other.verb == right.verb;
    }));
    ASSERT_NO_FATAL_FAILURE(StartDaemon());
    const std::string line = AwaitLog("refuses to");
    for (const std::string& words :
         {absl::StrCat("refuses to ", right.verb, " ", right.resource,
                       " (HTTP 403"),
          std::string(kAccount),
          absl::StrCat(
              "give it a ClusterRole with the verbs list and watch on ",
              right.resource)}) {
      EXPECT_THAT(line, HasSubstr(words));
    }
    ASSERT_NO_FATAL_FAILURE(AwaitUnhealthy(
        {"cannot be listed", "give it a ClusterRole", right.resource}));
    EXPECT_TRUE(IsAlive());
    EXPECT_EQ(KernelText(), before);
    ASSERT_NO_FATAL_FAILURE(GiveBack());
    AwaitLog("answers again");
    ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
    EXPECT_EQ(KernelText(), before);
    ASSERT_NO_FATAL_FAILURE(StopDaemon());
  }
}

TEST_F(RbacTest, ARightThatIsTakenAwayLaterIsToldAndEndsNothing) {
  ASSERT_NO_FATAL_FAILURE(StartDaemon());
  ASSERT_NO_FATAL_FAILURE(AwaitMember("10.42.1.1"));
  ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
  const std::string before = KernelText();
  ASSERT_NO_FATAL_FAILURE(
      TakeAway([](const Right& right) { return right.verb == "watch"; }));
  // Watches that run are not asked for their right again.
  Succeed(server().RestartServer());
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  ASSERT_NO_FATAL_FAILURE(
      AwaitUnhealthy({"cannot be followed", "refuses to watch pods",
                      "what was told before stays enforced"}));
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(KernelText(), before);
  ASSERT_NO_FATAL_FAILURE(GiveBack());
  ASSERT_NO_FATAL_FAILURE(AwaitMember("10.42.1.3"));
  ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
  ASSERT_NO_FATAL_FAILURE(StopDaemon());
}

}  // namespace
}  // namespace netpol
