#include "netpol/event_inbox.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;

// So many that outdated ones have been looked for.
constexpr int kMany = 100000;

v1::WatchEvent PodEvent(int number, absl::string_view label) {
  return Upsert(PodBuilder("red", absl::StrCat("pod-", number))
                    .Label("n", label)
                    .Build());
}

std::vector<std::string> Texts(EventInbox& inbox) {
  std::vector<std::string> texts;
  for (const v1::WatchEvent& event : inbox.TakeAll())
    texts.push_back(event.ShortDebugString());
  return texts;
}

TEST(EventInboxTest, FewEventsAreLeftAsTheyCame) {
  EventInbox inbox;
  std::vector<std::string> sent;
  for (size_t i = 0; i < EventInbox::kFew; ++i) {
    const v1::WatchEvent event = PodEvent(1, absl::StrCat(i));
    sent.push_back(event.ShortDebugString());
    inbox.Add({event});
  }
  EXPECT_EQ(Texts(inbox), sent);
  EXPECT_TRUE(inbox.empty());
}

TEST(EventInboxTest, ObjectsToldAgainAndAgainTakeRoomForTwice) {
  constexpr int kPods = 3000;
  EventInbox inbox;
  for (int i = 0; i < kMany; ++i) {
    inbox.Add({PodEvent(i % kPods, absl::StrCat(i))});
    ASSERT_LE(inbox.size(), size_t{2 * kPods}) << i;
  }
}

TEST(EventInboxTest, NewestOfEachObjectIsThereInOrder) {
  constexpr int kPods = 700;
  EventInbox inbox;
  for (int i = 0; i < kMany; ++i)
    inbox.Add({PodEvent(i % kPods, absl::StrCat(i))});
  std::vector<std::string> labels(kPods);
  int last = -1;
  for (const v1::WatchEvent& event : inbox.TakeAll()) {
    const std::string label = event.pod().metadata().labels().at("n");
    const int number = std::stoi(label);
    EXPECT_GT(number, last) << "out of order";
    last = number;
    labels[number % kPods] = label;
  }
  for (int pod = 0; pod < kPods; ++pod) {
    const int newest = kMany - 1 - (kMany - 1 - pod) % kPods;
    EXPECT_EQ(labels[pod], absl::StrCat(newest)) << pod;
  }
}

TEST(EventInboxTest, KindsNamespacesAndNamesAreToldApart) {
  const std::vector<v1::WatchEvent> different = {
      Upsert(MakeNamespace("x")),
      Upsert(NodeBuilder("x").Build()),
      Upsert(PodBuilder("x", "x").Build()),
      Upsert(PodBuilder("x", "y").Build()),
      Upsert(PodBuilder("y", "x").Build()),
      Upsert(PolicyBuilder("x", "x").Build()),
  };
  EventInbox inbox;
  inbox.Add({PodEvent(0, "first")});
  for (int i = 0; i < kMany; ++i) inbox.Add({different[i % different.size()]});
  std::vector<std::string> texts = Texts(inbox);
  for (const v1::WatchEvent& event : different)
    EXPECT_THAT(texts, testing::Contains(event.ShortDebugString()));
}

TEST(EventInboxTest, DeletionOutdatesWhatWasToldAndIsOutdatedByWhatFollows) {
  const v1::WatchEvent last = Delete(PodBuilder("red", "pod-1").Build());
  const v1::WatchEvent again = PodEvent(2, "again");
  std::vector<v1::WatchEvent> events;
  for (int i = 0; i < 3 * static_cast<int>(EventInbox::kFew); ++i)
    events.push_back(PodEvent(1 + i % 2, "old"));
  EventInbox inbox;
  inbox.Add({Delete(PodBuilder("red", "pod-2").Build())});
  events.push_back(again);
  events.push_back(last);
  inbox.Add(std::move(events));
  EXPECT_THAT(Texts(inbox),
              ElementsAre(again.ShortDebugString(), last.ShortDebugString()));
}

// It would be refused and change nothing, so the older one still matters.
TEST(EventInboxTest, WhatWillBeRefusedOutdatesNothing) {
  v1::WatchEvent untyped = PodEvent(1, "untyped");
  untyped.clear_type();
  const std::vector<v1::WatchEvent> refused = {
      untyped, v1::WatchEvent(), Upsert(PodBuilder("", "pod-1").Build()),
      Upsert(PodBuilder("red", "").Build()), Upsert(MakeNamespace(""))};
  EventInbox inbox;
  inbox.Add({PodEvent(1, "good")});
  std::vector<v1::WatchEvent> many(2 * EventInbox::kFew, PodEvent(2, "other"));
  for (int twice = 0; twice < 2; ++twice)
    many.insert(many.end(), refused.begin(), refused.end());
  inbox.Add(std::move(many));
  std::vector<std::string> right = {PodEvent(1, "good").ShortDebugString(),
                                    PodEvent(2, "other").ShortDebugString()};
  for (int twice = 0; twice < 2; ++twice) {
    for (const v1::WatchEvent& event : refused)
      right.push_back(event.ShortDebugString());
  }
  EXPECT_EQ(Texts(inbox), right);
}

TEST(EventInboxTest, EndsOfListingsStay) {
  EventInbox inbox;
  inbox.Add({Listed(v1::WatchEvent::POD)});
  std::vector<v1::WatchEvent> many(2 * EventInbox::kFew, PodEvent(1, "x"));
  many.push_back(Listed(v1::WatchEvent::NAMESPACE));
  inbox.Add(std::move(many));
  EXPECT_THAT(
      Texts(inbox),
      ElementsAre(Listed(v1::WatchEvent::POD).ShortDebugString(),
                  PodEvent(1, "x").ShortDebugString(),
                  Listed(v1::WatchEvent::NAMESPACE).ShortDebugString()));
}

TEST(EventInboxTest, ListingIsTakenWhole) {
  EventInbox inbox;
  std::vector<v1::WatchEvent> listing;
  for (int i = 0; i < 5000; ++i) listing.push_back(PodEvent(i, "x"));
  inbox.Add(std::move(listing));
  EXPECT_EQ(inbox.size(), 5000u);
  EXPECT_EQ(inbox.TakeAll().size(), 5000u);
}

}  // namespace
}  // namespace netpol
