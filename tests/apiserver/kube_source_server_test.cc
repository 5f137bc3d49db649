// KubeSource against a real API server that is there: every way to list, every
// change in its order, many at once, and a server that has no time.
#include <algorithm>
#include <atomic>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/snapshot_text.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/apiserver/server_fixture.h"

namespace netpol {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kStream[] = "sendInitialEvents=true";
const std::vector<std::string> kKinds = {"Namespace", "NetworkPolicy", "Node",
                                         "Pod"};

// How lists are asked for, and by which protocol.
struct Way {
  std::string name;
  bool stream_lists = true;
  bool http1_only = false;
};

std::ostream& operator<<(std::ostream& os, const Way& way) {
  return os << way.name;
}

class WaysTest : public ServerTest, public testing::WithParamInterface<Way> {};

TEST_P(WaysTest, EveryKindIsListedOnceAndFollowed) {
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  KubeSourceOptions options = SourceOptions();
  options.stream_lists = GetParam().stream_lists;
  options.http1_only = GetParam().http1_only;
  auto created = PolledSource::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  PolledSource& source = **created;
  Succeed(source.AwaitListed());
  Succeed(source.AwaitWell());
  for (const std::string& kind : kKinds) {
    EXPECT_EQ(source.Told(absl::StrCat("LISTING ", kind)), 1u);
    EXPECT_EQ(source.Told(absl::StrCat("LISTED ", kind)), 1u);
  }
  EXPECT_THAT(source.ToldOf("web/"),
              testing::UnorderedElementsAre("+Pod web/front", "+Pod web/back-1",
                                            "+Pod web/back-2",
                                            "+NetworkPolicy web/allow"));
  EXPECT_EQ(source.Told("+Node node-a"), 1u);
  Succeed(source.AwaitSame(writer()));
  EXPECT_GT(source.Sync(), 0u);
  // Four streams that go on as watches, or four lists and then four watches.
  const size_t streams = audit().CountOf(options.program, kStream);
  EXPECT_EQ(streams, options.stream_lists ? 4u : 0u);
  EXPECT_EQ(audit().RequestsOf(options.program).size(),
            options.stream_lists ? 4u : 8u);
  EXPECT_THAT(source.errors(), IsEmpty());
  // Four watches at a time share one connection of HTTP/2.
  if (options.http1_only) {
    EXPECT_GE(relay().connections(), 4);
  } else {
    EXPECT_EQ(relay().connections(), 1);
  }

  // Changes of every kind come, and nothing but them.
  source.Forget();
  Succeed(writer().ApplyEvent(Delete(BackPod(1))));
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  Succeed(writer().ApplyEvent(Upsert(MakeNamespace("web", {{"team", "b"}}))));
  Succeed(writer().ApplyEvent(
      Upsert(PolicyBuilder("web", "allow").Selects(MatchLabels()).Build())));
  Succeed(writer().ApplyEvent(Delete(NodeBuilder("node-a").Build())));
  Succeed(source.PollUntil([&] {
    return source.Told("-Node node-a") > 0 &&
           source.Told("+NetworkPolicy web/allow") > 0;
  }));
  Succeed(source.AwaitSame(writer()));
  EXPECT_THAT(source.ToldOf("LIST"), IsEmpty());
  EXPECT_EQ(source.Told("-Pod web/back-1"), 1u);
  EXPECT_THAT(source.ToldOf("web/front"), IsEmpty());
  EXPECT_THAT(source.ToldOf("web/back-2"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, WaysTest,
                         testing::Values(Way{"Streamed"}, Way{"Listed", false},
                                         Way{"StreamedByHttp1", true, true},
                                         Way{"ListedByHttp1", false, true}),
                         [](const auto& info) { return info.param.name; });

class KubeSourceServerTest : public ServerTest {
 protected:
  void WritePods(int count) {
    Succeed(InParallel(static_cast<size_t>(count), 8, [this](size_t i) {
      return writer().Create(JsonOf(NumberedPod(i)));
    }));
  }

  static k8s::Pod NumberedPod(size_t i) {
    return PodBuilder("web", absl::StrCat("pod-", i))
        .On(absl::StrCat("node-", i % 50))
        .Label("app", i % 2 == 0 ? "back" : "other")
        .Label("number", absl::StrCat(i))
        .Phase("Running")
        .Ip(absl::StrCat("10.", 50 + i / 65000, ".", i / 250 % 260, ".",
                         1 + i % 250))
        .Build();
  }
};

TEST_F(KubeSourceServerTest, ChangesComeInTheirOrderAndEachOnce) {
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  const auto source = Follow();
  ASSERT_NE(source, nullptr);
  for (int i = 0; i < 20; ++i) {
    Succeed(writer().Create(JsonOf(BackPod(100 + i))));
    Succeed(writer().Delete(JsonOf(BackPod(100 + i))));
  }
  Succeed(
      source->PollUntil([&] { return source->Told("-Pod web/back-119") > 0; }));
  for (int i = 0; i < 20; ++i) {
    // Made, given an address, about to go, deleted.
    const std::string name = absl::StrCat("Pod web/back-", 100 + i);
    EXPECT_THAT(source->ToldOf(name),
                ElementsAre("+" + name, "+" + name, "+" + name, "-" + name));
  }
  EXPECT_EQ(source->ToldOf("Pod").size(), 80u);
  EXPECT_TRUE(std::is_sorted(source->told().begin(), source->told().end(),
                             [](const std::string& a, const std::string& b) {
                               return a.substr(1) < b.substr(1);
                             }));
}

TEST_F(KubeSourceServerTest, APodThatFinishesIsToldAsDeleted) {
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  const auto source = Follow();
  ASSERT_NE(source, nullptr);
  Succeed(writer().Patch(JsonOf(BackPod(1)),
                         {{"status", {{"phase", "Succeeded"}}}}, "status"));
  Succeed(
      source->PollUntil([&] { return source->Told("-Pod web/back-1") > 0; }));
  Succeed(source->AwaitSame(writer()));
  const auto later = Follow();
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(later->controller().state().pod_count(), 2u);
}

// Without its cache the server does as it is told: pages of this size.
TEST_F(KubeSourceServerTest, ListsComeInPages) {
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--watch-cache=false"}));
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  ASSERT_NO_FATAL_FAILURE(WritePods(60));
  KubeSourceOptions options = SourceOptions();
  options.stream_lists = false;
  options.page_size = 7;
  auto created = PolledSource::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  Succeed((*created)->AwaitListed());
  Succeed((*created)->AwaitSame(writer()));
  EXPECT_EQ((*created)->Told("LISTING Pod"), 1u);
  EXPECT_EQ((*created)->Told("LISTED Pod"), 1u);
  EXPECT_EQ((*created)->ToldOf("+Pod").size(), 63u);
  EXPECT_EQ(audit().CountOf(options.program, "/pods?limit=7"), 9u);
  EXPECT_EQ(audit().CountOf(options.program, "&continue="), 8u);
}

TEST_F(KubeSourceServerTest, AListWhosePagesAreForgottenIsReadInOne) {
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--watch-cache=false"}));
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  ASSERT_NO_FATAL_FAILURE(WritePods(60));
  KubeSourceOptions options = SourceOptions();
  options.stream_lists = false;
  options.page_size = 2;
  auto created = PolledSource::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  PolledSource& source = **created;
  Succeed(source.PollUntil([&] { return !source.ToldOf("+Pod").empty(); }));
  ASSERT_EQ(source.Told("LISTED Pod"), 0u);
  // What later pages would be of is over.
  Succeed(writer().ApplyEvent(Delete(NumberedPod(0))));
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  Succeed(server().CompactHistory());
  Succeed(source.AwaitListed());
  Succeed(source.AwaitWell());
  Succeed(source.AwaitSame(writer()));
  EXPECT_EQ(source.Told("LISTING Pod"), 2u);
  EXPECT_EQ(source.Told("LISTED Pod"), 1u);
  EXPECT_EQ(audit().CountOf(options.program, "/pods?resourceVersion="), 1u);
  EXPECT_THAT(source.errors(), IsEmpty());
}

TEST_F(KubeSourceServerTest, ListsAreStreamedWithoutTheServersCache) {
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--watch-cache=false"}));
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  const auto source = Follow();
  ASSERT_NE(source, nullptr);
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  Succeed(source->AwaitSame(writer()));
  EXPECT_THAT(source->told(), Each(StartsWith("+Pod web/back-3")));
}

TEST_F(KubeSourceServerTest, AServerThatStreamsNoListsIsAskedForPages) {
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--feature-gates=WatchList=false"}));
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  const KubeSourceOptions options = SourceOptions();
  const auto source = Follow(options);
  ASSERT_NE(source, nullptr);
  // Refused once for each kind, and that is no failure.
  EXPECT_EQ(audit().CountOf(options.program, kStream), 4u);
  EXPECT_EQ(audit().CountOf(options.program, "limit=500"), 4u);
  EXPECT_THAT(source->errors(), IsEmpty());
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  Succeed(source->AwaitSame(writer()));
}

TEST_F(KubeSourceServerTest, FiveThousandPodsInABurstAllArrive) {
  constexpr int kPods = 5000;
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  const auto source = Follow();
  ASSERT_NE(source, nullptr);
  std::atomic<bool> written = false;
  absl::Status result;
  std::thread writing([&] {
    result = InParallel(kPods, 8, [this](size_t i) {
      return writer().Create(JsonOf(NumberedPod(i)));
    });
    written = true;
  });
  while (!written) {
    source->Poll(absl::Milliseconds(100));
    source->Sync();
  }
  writing.join();
  Succeed(result);
  Succeed(source->AwaitSame(writer()));
  source->Sync();
  EXPECT_EQ(source->controller().counts().pods, kPods + 3u);
  EXPECT_THAT(source->ToldOf("LIST"), IsEmpty());
  EXPECT_THAT(source->errors(), IsEmpty());
  // What a new start finds is the same, and is the same to the kernel.
  const auto fresh = Follow();
  ASSERT_NE(fresh, nullptr);
  EXPECT_EQ(ContentsOf(fresh->kernel().state()),
            ContentsOf(source->kernel().state()));

  source->Forget();
  Succeed(writer().Delete(JsonOf(MakeNamespace("web"))));
  Succeed(source->AwaitSame(writer()));
  EXPECT_EQ(source->ToldOf("-Pod").size(), kPods + 3u);
  EXPECT_EQ(source->controller().counts().pods, 0u);
}

TEST_F(KubeSourceServerTest, AServerThatIsTooBusyIsAskedAgainUntilItAnswers) {
  constexpr char kUser[] = "token-of-somebody";
  Succeed(server().SetUsers({{"somebody", kUser}}));
  ASSERT_NO_FATAL_FAILURE(UseFlags({"--enable-priority-and-fairness=false",
                                    "--max-requests-inflight=1",
                                    "--max-mutating-requests-inflight=1"}));
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  ASSERT_NO_FATAL_FAILURE(WritePods(300));
  // Others who keep the server busy, until we were turned away.
  std::atomic<bool> enough = false;
  ApiWriter others(server().AccessWith(kUser));
  std::vector<std::thread> asking;
  for (int i = 0; i < 4; ++i) {
    asking.emplace_back([&] {
      while (!enough)
        others.connection().Send({.target = "/api/v1/pods"}).IgnoreError();
    });
  }
  KubeSourceOptions options = SourceOptions();
  options.server.token = kUser;
  options.stream_lists = false;  // Watches are not counted.
  std::unique_ptr<PolledSource> source;
  absl::Status listed;
  for (int i = 0; i < 50 && !enough; ++i) {
    auto created = PolledSource::Create(options);
    ASSERT_TRUE(created.ok()) << created.status();
    source = *std::move(created);
    listed = source->PollUntil([&] {
      enough = enough || source->HasError("HTTP 429");
      return source->controller().CheckKnown().ok();
    });
  }
  const bool turned_away = enough.exchange(true);
  for (std::thread& thread : asking) thread.join();
  Succeed(listed);
  EXPECT_TRUE(turned_away);
  EXPECT_TRUE(source->HasError("it is too busy, and asked again later"));
  Succeed(source->AwaitWell());
  Succeed(source->AwaitSame(writer()));
}

}  // namespace
}  // namespace netpol
