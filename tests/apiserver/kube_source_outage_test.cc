// KubeSource and a real API server that goes away, forgets, and comes back:
// what was enforced stays, and nothing is written but what is different
// afterwards.
#include <sys/resource.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/snapshot_text.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/apiserver/server_fixture.h"

namespace netpol {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<std::string> kUncached = {"--watch-cache=false"};

// Of this thread, so far.
absl::Duration CpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

class KubeSourceOutageTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
    options_ = SourceOptions();
    options_.stream_lists = true;
  }

  void FollowNow() {
    source_ = Follow(options_);
    ASSERT_NE(source_, nullptr);
  }

  void Restart() {
    Succeed(source_->PollDuring([this] { return server().RestartServer(); }));
  }
  void Stop() {
    Succeed(source_->PollDuring([this] { return server().StopServer(); }));
  }

  // Whether all kinds were listed anew since the last Forget().
  bool AllListedAnew() {
    return source_->Told("LISTED Namespace") > 0 &&
           source_->Told("LISTED NetworkPolicy") > 0 &&
           source_->Told("LISTED Node") > 0 && source_->Told("LISTED Pod") > 0;
  }

  // What is in the kernel is what a new start would make.
  void CheckKernelIsRight() {
    const auto fresh = Follow();
    ASSERT_NE(fresh, nullptr);
    EXPECT_EQ(ContentsOf(source_->kernel().state()),
              ContentsOf(fresh->kernel().state()));
  }

  // The operations since the last Forget(), reading left out.
  std::vector<std::string> Writes() {
    std::vector<std::string> writes;
    for (const Operation& operation : source_->kernel().log())
      if (operation.kind != OperationKind::kRead)
        writes.push_back(operation.ToString());
    return writes;
  }

  // back-1 goes and back-3 comes, while nobody looks.
  void ChangeTwoPods() {
    Succeed(writer().ApplyEvent(Delete(BackPod(1))));
    Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  }

  void CheckTwoPodsChanged() {
    EXPECT_GT(source_->Sync(), 0u);
    EXPECT_THAT(Writes(),
                testing::UnorderedElementsAre(
                    AllOf(HasSubstr("AddMembers"), HasSubstr("(1 member")),
                    AllOf(HasSubstr("RemoveMembers"), HasSubstr("(1 member"))));
    CheckKernelIsRight();
  }

  KubeSourceOptions options_;
  std::unique_ptr<PolledSource> source_;
};

TEST_F(KubeSourceOutageTest, ABrokenConnectionIsTakenUpWhereItWas) {
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  relay().Cut();
  Succeed(source_->AwaitFailing());
  // Told a moment later, for all kinds together.
  Succeed(source_->PollUntil([this] {
    return source_->HasError(
        "is it up, and is its address in kubeconfig of the test right?");
  }));
  ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
  Succeed(relay().Join());
  Succeed(source_->AwaitSame(writer()));
  Succeed(source_->AwaitWell());
  EXPECT_THAT(source_->ToldOf("LIST"), IsEmpty());
  EXPECT_THAT(source_->told(),
              Each(testing::AnyOf(HasSubstr("back-1"), HasSubstr("back-3"))));
  EXPECT_THAT(source_->notices(),
              testing::Contains(HasSubstr("answers again for pods")));
  // Each as a stream at the begin, and then as a watch from a version.
  EXPECT_EQ(audit().CountOf(options_.program, "sendInitialEvents"), 4u);
  EXPECT_EQ(audit().CountOf(options_.program, "&resourceVersion="), 4u);
  CheckTwoPodsChanged();
}

// A server without a cache of its own knows all that etcd knows.
TEST_F(KubeSourceOutageTest, AWatchGoesOnAfterARestartOfTheServer) {
  ASSERT_NO_FATAL_FAILURE(UseFlags(kUncached));
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  ASSERT_NO_FATAL_FAILURE(Restart());
  ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
  Succeed(source_->AwaitSame(writer()));
  Succeed(source_->AwaitWell());
  Succeed(server().KillServer());
  Succeed(source_->AwaitFailing());
  Succeed(server().StartServer());
  Succeed(source_->AwaitWell());
  EXPECT_THAT(source_->ToldOf("LIST"), IsEmpty());
  EXPECT_THAT(source_->told(),
              Each(testing::AnyOf(HasSubstr("back-1"), HasSubstr("back-3"))));
  CheckTwoPodsChanged();
}

// With a cache it forgets what was before its start, and says 410.
TEST_F(KubeSourceOutageTest, AListAfterARestartWritesNothingIfNothingChanged) {
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  const uint64_t before = source_->kernel().writes().total();
  ASSERT_NO_FATAL_FAILURE(Restart());
  Succeed(source_->PollUntil([this] { return AllListedAnew(); }));
  Succeed(source_->AwaitWell());
  EXPECT_EQ(source_->Sync(), 0u);
  Succeed(server().KillServer());
  Succeed(source_->AwaitFailing());
  EXPECT_EQ(source_->Sync(), 0u);
  Succeed(server().StartServer());
  Succeed(source_->AwaitWell());
  Succeed(source_->AwaitSame(writer()));
  EXPECT_EQ(source_->Sync(), 0u);
  EXPECT_EQ(source_->kernel().writes().total(), before);
  EXPECT_THAT(Writes(), IsEmpty());
}

TEST_F(KubeSourceOutageTest, AListAfterARestartWritesTheDifferenceOnly) {
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  relay().Cut();
  Succeed(source_->AwaitFailing());
  ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
  ASSERT_NO_FATAL_FAILURE(Restart());
  Succeed(relay().Join());
  Succeed(source_->PollUntil([this] { return AllListedAnew(); }));
  Succeed(source_->AwaitSame(writer()));
  EXPECT_EQ(source_->controller().counts().pods, 3u);
  CheckTwoPodsChanged();
}

TEST_F(KubeSourceOutageTest, ACompactedHistoryEndsInAListOfTheDifference) {
  ASSERT_NO_FATAL_FAILURE(UseFlags(kUncached));
  for (const bool stream : {true, false}) {
    SCOPED_TRACE(absl::StrCat("streamed lists: ", stream));
    options_ = SourceOptions();
    options_.stream_lists = stream;
    ASSERT_NO_FATAL_FAILURE(FollowNow());
    relay().Cut();
    Succeed(source_->AwaitFailing());
    ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
    Succeed(server().CompactHistory());
    Succeed(relay().Join());
    Succeed(
        source_->PollUntil([this] { return source_->Told("LISTED Pod") > 0; }));
    Succeed(source_->AwaitSame(writer()));
    CheckTwoPodsChanged();
    Succeed(writer().ApplyEvent(Upsert(BackPod(1))));
    Succeed(writer().ApplyEvent(Delete(BackPod(3))));
  }
}

TEST_F(KubeSourceOutageTest, AMinuteWithoutServerCostsNothingAndIsMadeUpFor) {
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  ASSERT_NO_FATAL_FAILURE(Stop());
  Succeed(source_->AwaitFailing());
  const absl::Duration cpu = CpuTime();
  const uint64_t failed = source_->requests_failed();
  const absl::Time end = absl::Now() + absl::Minutes(1);
  while (absl::Now() < end) source_->Poll(end - absl::Now());
  EXPECT_EQ(source_->Sync(), 0u);
  // After a minute each of the four kinds asks two to four times a minute.
  EXPECT_LT(source_->requests_failed() - failed, 60u);
  EXPECT_LT(CpuTime() - cpu, absl::Seconds(5));
  for (const FollowedKind& kind : source_->source().followed()) {
    EXPECT_TRUE(kind.listed);
    EXPECT_GE(absl::Now() - kind.failing_since, absl::Minutes(1));
    EXPECT_THAT(kind.error, HasSubstr("asking the API server"));
  }
  Succeed(server().StartServer());
  ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
  Succeed(source_->AwaitSame(writer()));
  Succeed(source_->AwaitWell());
  CheckTwoPodsChanged();
}

TEST_F(KubeSourceOutageTest, ASourceThatStartsFirstWaitsForTheServer) {
  Succeed(server().StopServer());
  auto created = PolledSource::Create(options_);
  ASSERT_TRUE(created.ok()) << created.status();
  source_ = *std::move(created);
  Succeed(source_->AwaitFailing());
  EXPECT_THAT(source_->told(), IsEmpty());
  EXPECT_FALSE(source_->controller().CheckKnown().ok());
  Succeed(server().StartServer());
  Succeed(source_->AwaitListed());
  Succeed(source_->AwaitSame(writer()));
}

TEST_F(KubeSourceOutageTest, APausedServerIsWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  Succeed(server().PauseServer());
  auto late = PolledSource::Create(SourceOptions());
  ASSERT_TRUE(late.ok()) << late.status();
  for (int i = 0; i < 20; ++i) {
    source_->Poll(absl::Milliseconds(50));
    (*late)->Poll(absl::Milliseconds(50));
  }
  EXPECT_THAT(source_->told(), IsEmpty());
  EXPECT_THAT((*late)->told(), IsEmpty());
  Succeed(server().ResumeServer());
  ASSERT_NO_FATAL_FAILURE(ChangeTwoPods());
  Succeed(source_->AwaitSame(writer()));
  EXPECT_THAT(source_->ToldOf("LIST"), IsEmpty());
  Succeed((*late)->AwaitListed());
  Succeed((*late)->AwaitSame(writer()));
  CheckTwoPodsChanged();
}

}  // namespace
}  // namespace netpol
