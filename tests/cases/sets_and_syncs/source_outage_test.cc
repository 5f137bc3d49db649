// C077: while the source of objects is away its last state is enforced, and
// what was deleted meanwhile is noticed when it is back.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/watch/manifests/manifest_source.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The documents of `text` without the pod of that name.
std::string WithoutPod(const std::string& text, absl::string_view name) {
  std::vector<std::string> kept;
  const std::string line = absl::StrCat("\n  name: ", name, "\n");
  for (absl::string_view document : absl::StrSplit(text, "\n---\n")) {
    if (absl::StrContains(document, "kind: Pod\n") &&
        absl::StrContains(document, line)) {
      continue;
    }
    kept.emplace_back(document);
  }
  return absl::StrJoin(kept, "\n---\n");
}

class SourceOutageTest : public testing::Test {
 protected:
  void SetUp() override {
    steps_ = StepsOf("C077");
    ASSERT_EQ(steps_.size(), 2u);
    ASSERT_EQ(steps_[1].deletes.size(), 1u);
    std::string pattern = absl::StrCat(testing::TempDir(), "/outage.XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    before_ = ReadText(steps_[0].manifests);
    const std::string kept =
        WithoutPod(before_, steps_[1].deletes[0].pod().metadata().name());
    ASSERT_LT(kept.size(), before_.size());
    after_ = absl::StrCat(kept, "\n", ReadText(steps_[1].manifests));
    fs::create_directory(In("objects"));
    std::ofstream(In("objects/all.yaml")) << before_;
    auto source = ManifestSource::Create({In("objects")});
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    Poll(absl::ZeroDuration());
    node_.Sync();
    node_.ExpectVerdicts(steps_[0].checks);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string In(absl::string_view name) const {
    return absl::StrCat(root_, "/", name);
  }

  // Tells the node what the source tells; whether there was any news.
  bool Poll(absl::Duration timeout) {
    bool news = false;
    const absl::Status polled = source_->Poll(
        timeout,
        [&](const v1::WatchEvent& event) {
          news = true;
          node_.Tell(event);
        },
        [&](const SourceProblem&) { news = true; });
    EXPECT_TRUE(polled.ok()) << polled;
    return news;
  }
  // The source looks by itself every few seconds at the latest.
  void AwaitNews() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!Poll(absl::Seconds(1))) ASSERT_LT(absl::Now(), deadline);
  }

  // All that may happen while the source is away: nothing.
  void ExpectAsBefore() {
    const std::string contents = node_.contents();
    for (int round = 0; round < 3; ++round) {
      node_.controller().QueueResync();
      EXPECT_EQ(node_.Sync().writes.total(), 0u);
    }
    EXPECT_EQ(node_.contents(), contents);
    node_.ExpectVerdicts(steps_[0].checks);
  }
  void ExpectAsAfter() {
    node_.Sync();
    node_.ExpectVerdicts(steps_[1].checks);
    EXPECT_EQ(node_.contents(), FreshContents(node_.cluster()));
  }

  std::vector<CaseStep> steps_;
  std::string root_;
  std::string before_;  // the objects, as one text
  std::string after_;
  std::unique_ptr<ManifestSource> source_;
  MemoryNode node_;
};

TEST_F(SourceOutageTest, C077FolderThatVanishesAndReturnsWithoutAPod) {
  fs::rename(In("objects"), In("away"));
  ASSERT_NO_FATAL_FAILURE(AwaitNews());
  EXPECT_EQ(source_->problems().size(), 1u);
  ExpectAsBefore();
  std::ofstream(In("away/all.yaml")) << after_;
  ExpectAsBefore();
  fs::rename(In("away"), In("objects"));
  ASSERT_NO_FATAL_FAILURE(AwaitNews());
  EXPECT_TRUE(source_->problems().empty());
  ExpectAsAfter();
}

TEST_F(SourceOutageTest, C077TextThatCannotBeReadForAWhile) {
  std::ofstream(In("objects/all.yaml")) << "error: 503 Service Unavailable: [";
  ASSERT_NO_FATAL_FAILURE(AwaitNews());
  EXPECT_FALSE(source_->problems().empty());
  ExpectAsBefore();
  std::ofstream(In("objects/all.yaml")) << after_;
  ASSERT_NO_FATAL_FAILURE(AwaitNews());
  EXPECT_TRUE(source_->problems().empty());
  ExpectAsAfter();
}

// Every event of the outage is lost, and the list that follows does not say
// what is gone: the source knows.
TEST_F(SourceOutageTest, C077DeletionIsToldByTheSourceAlone) {
  fs::rename(In("objects"), In("away"));
  ASSERT_NO_FATAL_FAILURE(AwaitNews());
  std::ofstream(In("away/all.yaml")) << after_;
  fs::rename(In("away"), In("objects"));
  std::vector<std::string> deleted;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (deleted.empty() && absl::Now() < deadline) {
    const absl::Status polled = source_->Poll(
        absl::Seconds(1),
        [&](const v1::WatchEvent& event) {
          if (event.type() == v1::WatchEvent::DELETE)
            deleted.push_back(event.pod().metadata().name());
        },
        [](const SourceProblem&) {});
    ASSERT_TRUE(polled.ok()) << polled;
  }
  EXPECT_THAT(deleted, testing::ElementsAre("a"));
}

TEST_F(SourceOutageTest, C077RestartDuringTheOutageKeepsWhatIsEnforced) {
  MemoryNode restarted;
  ASSERT_TRUE(restarted.kernel().Load(node_.state()).ok());
  const std::string contents = node_.contents();
  // Nothing is listed, or only a part of the kinds.
  const std::vector<v1::WatchEvent> listing = ListingOf({});
  for (size_t told = 0; !restarted.controller().CheckKnown().ok(); ++told) {
    EXPECT_EQ(restarted.controller().Sync().status().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(restarted.contents(), contents);
    EXPECT_EQ(restarted.kernel().writes().total(), 0u);
    if (told == 0) {
      // The objects are known before the listing is complete.
      std::ofstream(In("objects/all.yaml")) << after_;
      ASSERT_NO_FATAL_FAILURE(AwaitNews());
      for (const v1::WatchEvent& event : ListingOf(node_.cluster())) {
        if (event.type() == v1::WatchEvent::UPSERT) restarted.Tell(event);
      }
    }
    ASSERT_LT(told, listing.size());
    restarted.Tell(listing[told]);
  }
  restarted.Sync();
  restarted.ExpectVerdicts(steps_[1].checks);
  EXPECT_EQ(restarted.contents(), FreshContents(node_.cluster()));
}

}  // namespace
}  // namespace netpol
