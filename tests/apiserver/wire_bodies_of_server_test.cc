// What a real server sends, in either format and in lists and watches, is
// decoded to what was written.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/watch/kube/list_decoder.h"
#include "netpol/watch/kube/object_decoder.h"
#include "netpol/watch/kube/watch_decoder.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/api_connection.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"

namespace netpol {
namespace {

using ::testing::ElementsAre;
using Type = WatchFrame::Type;

constexpr char kProtobuf[] = "application/vnd.kubernetes.protobuf";
constexpr char kProtobufWatch[] =
    "application/vnd.kubernetes.protobuf;stream=watch";
constexpr char kJson[] = "application/json";

// Everything that the controller reads of a kind, with what the server would
// add to it.
v1::WatchEvent WholeNamespace() {
  return Upsert(MakeNamespace(
      "whole", {{"kubernetes.io/metadata.name", "whole"}, {"team", "a"}}));
}

v1::WatchEvent WholeNode() {
  k8s::Node node = NodeBuilder("whole")
                       .Address("192.0.2.1")
                       .Address("2001:db8::1")
                       .PodCidr("10.7.0.0/24")
                       .PodCidr("fd00:7::/64")
                       .OldPodCidr("10.7.0.0/24")
                       .Annotation("example.test/a", "b")
                       .Build();
  k8s::Taint& taint = *node.mutable_spec()->add_taints();
  taint.set_key("node.kubernetes.io/not-ready");
  taint.set_effect("NoSchedule");
  return Upsert(node);
}

v1::WatchEvent WholePod() {
  k8s::Pod pod = PodBuilder("whole", "web")
                     .On("whole")
                     .Label("app", "web")
                     .Port("http", 8080, "TCP")
                     .InitPort(true, "dns", 53, "UDP")
                     .Phase("Running")
                     .OldIp("10.7.0.5")
                     .Ip("10.7.0.5")
                     .Ip("fd00:7::5")
                     .Build();
  pod.mutable_status()->set_host_ip("192.0.2.1");
  return Upsert(pod);
}

v1::WatchEvent WholePolicy() {
  return Upsert(
      PolicyBuilder("whole", "allow")
          .Selects(MatchExpression("app", "In", {"web", "shop"}))
          .Types({"Ingress", "Egress"})
          .Ingress({PodPeer(MatchLabels({{"app", "shop"}})),
                    NamespacePeer(MatchLabels()),
                    PodInNamespacePeer(MatchLabels({{"team", "a"}}),
                                       MatchExpression("x", "Exists"))},
                   {NamePort("TCP", "http"), RangePort("UDP", 1000, 2000)})
          .Egress({BlockPeer("10.0.0.0/8", {"10.1.0.0/16"})},
                  {ProtocolPort("SCTP"), NumberPort("TCP", 443)})
          .Egress()
          .Build());
}

std::string KindName(v1::WatchEvent::Kind kind) {
  return v1::WatchEvent::Kind_Name(kind);
}

struct Kind {
  v1::WatchEvent::Kind kind;
  v1::WatchEvent written;
  std::string target;  // Of a list with just that object.
};

Kind PodKind() {
  return {v1::WatchEvent::POD, WholePod(), "/api/v1/namespaces/whole/pods?"};
}

std::vector<Kind> Kinds() {
  return {
      {v1::WatchEvent::NAMESPACE, WholeNamespace(),
       "/api/v1/namespaces?fieldSelector=metadata.name%3Dwhole"},
      {v1::WatchEvent::NODE, WholeNode(),
       "/api/v1/nodes?fieldSelector=metadata.name%3Dwhole"},
      {v1::WatchEvent::NETWORK_POLICY, WholePolicy(),
       "/apis/networking.k8s.io/v1/namespaces/whole/networkpolicies?"},
      PodKind(),
  };
}

// What the decoder makes of the object itself, which has no more in it than was
// written.
v1::WatchEvent Expected(const Kind& kind, v1::WatchEvent::Type type) {
  std::string bytes;
  switch (kind.kind) {
    case v1::WatchEvent::NAMESPACE:
      bytes = kind.written.namespace_().SerializeAsString();
      break;
    case v1::WatchEvent::NODE:
      bytes = kind.written.node().SerializeAsString();
      break;
    case v1::WatchEvent::POD:
      bytes = kind.written.pod().SerializeAsString();
      break;
    default:
      bytes = kind.written.network_policy().SerializeAsString();
  }
  absl::StatusOr<v1::WatchEvent> event = DecodeItem(kind.kind, bytes);
  EXPECT_TRUE(event.ok()) << event.status();
  if (!event.ok()) return v1::WatchEvent();
  event->set_type(type);
  return *std::move(event);
}

// "" if `event` says what is expected; the server alone knows when a pod was
// made, but it must say so.
std::string Difference(v1::WatchEvent event, const v1::WatchEvent& expected) {
  if (event.has_pod()) {
    k8s::ObjectMeta& metadata = *event.mutable_pod()->mutable_metadata();
    if (metadata.creation_timestamp().seconds() < 1'700'000'000)
      return "no creationTimestamp";
    metadata.clear_creation_timestamp();
  }
  google::protobuf::util::MessageDifferencer differencer;
  // Protobuf of the server has every field, also what is empty or zero.
  differencer.set_message_field_comparison(
      google::protobuf::util::MessageDifferencer::EQUIVALENT);
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(event, expected) ? "" : difference;
}

class WireBodiesOfServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = ControlPlane::Start();
    ASSERT_TRUE(started.ok()) << started.status();
    control_plane_ = started->release();
    ApiWriter writer(control_plane_->AdminAccess());
    for (const Kind& kind : Kinds()) {
      const absl::Status written = writer.ApplyEvent(kind.written);
      ASSERT_TRUE(written.ok()) << written;
    }
  }

  static void TearDownTestSuite() {
    delete control_plane_;
    control_plane_ = nullptr;
  }

  void SetUp() override {
    ASSERT_NE(control_plane_, nullptr);
    writer_ = std::make_unique<ApiWriter>(control_plane_->AdminAccess());
  }

  ApiResponse Ask(const std::string& target, const std::string& accept) {
    const auto answer =
        writer_->connection().Send({.target = target, .accept = accept});
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return ApiResponse();
    EXPECT_EQ(answer->status, 200) << answer->body;
    EXPECT_THAT(answer->content_type, testing::StartsWith(accept));
    return *answer;
  }

  // The frames of a watch that ends by itself after a second.
  std::vector<WatchFrame> Watch(const Kind& kind, const std::string& more,
                                const std::string& accept) {
    const ApiResponse answer = Ask(
        absl::StrCat(kind.target, "&watch=1&timeoutSeconds=1", more), accept);
    std::vector<WatchFrame> frames;
    auto decoder = WatchDecoder::Create(
        answer.content_type, kind.kind,
        [&](WatchFrame frame) { frames.push_back(std::move(frame)); });
    EXPECT_TRUE(decoder.ok()) << decoder.status();
    if (!decoder.ok()) return frames;
    const absl::Status read = (*decoder)->Append(answer.body);
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_TRUE((*decoder)->AtBoundary());
    return frames;
  }

  static ControlPlane* control_plane_;
  std::unique_ptr<ApiWriter> writer_;
};

ControlPlane* WireBodiesOfServerTest::control_plane_ = nullptr;

TEST_F(WireBodiesOfServerTest, ListsHaveWhatWasWritten) {
  for (const std::string accept : {kProtobuf, kJson}) {
    for (const Kind& kind : Kinds()) {
      SCOPED_TRACE(absl::StrCat(KindName(kind.kind), " ", accept));
      const ApiResponse answer = Ask(kind.target, accept);
      std::vector<v1::WatchEvent> events;
      auto decoder = ListDecoder::Create(
          answer.content_type, kind.kind,
          [&](v1::WatchEvent event) { events.push_back(std::move(event)); },
          [](const absl::Status& bad) { ADD_FAILURE() << bad; });
      ASSERT_TRUE(decoder.ok()) << decoder.status();
      const absl::Status read = (*decoder)->Append(answer.body);
      ASSERT_TRUE(read.ok()) << read;
      const absl::Status finished = (*decoder)->Finish();
      ASSERT_TRUE(finished.ok()) << finished;
      ASSERT_EQ(events.size(), 1u);
      EXPECT_EQ(Difference(events[0], Expected(kind, v1::WatchEvent::UPSERT)),
                "");
      EXPECT_NE((*decoder)->resource_version(), "");
      EXPECT_EQ((*decoder)->continue_token(), "");
    }
  }
}

TEST_F(WireBodiesOfServerTest, AWatchFromAnyVersionBeginsWithWhatIsThere) {
  for (const std::string accept : {kProtobufWatch, kJson}) {
    SCOPED_TRACE(accept);
    const std::vector<WatchFrame> frames =
        Watch(PodKind(), "&resourceVersion=0", accept);
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames[0].type, Type::kAdded);
    ASSERT_TRUE(frames[0].event) << frames[0].bad_object;
    EXPECT_EQ(frames[0].event->pod().metadata().name(), "web");
  }
}

TEST_F(WireBodiesOfServerTest, AStreamedListHasWhatWasWrittenThenItsBookmark) {
  for (const std::string accept : {kProtobufWatch, kJson}) {
    for (const Kind& kind : Kinds()) {
      SCOPED_TRACE(absl::StrCat(KindName(kind.kind), " ", accept));
      const std::vector<WatchFrame> frames =
          Watch(kind,
                "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                "&allowWatchBookmarks=1",
                accept);
      ASSERT_GE(frames.size(), 2u);
      EXPECT_EQ(frames[0].type, Type::kAdded);
      EXPECT_NE(frames[0].resource_version, "");
      ASSERT_TRUE(frames[0].event) << frames[0].bad_object;
      EXPECT_EQ(
          Difference(*frames[0].event, Expected(kind, v1::WatchEvent::UPSERT)),
          "");
      EXPECT_FALSE(frames[0].initial_events_end);
      EXPECT_EQ(frames[1].type, Type::kBookmark);
      EXPECT_TRUE(frames[1].initial_events_end);
      EXPECT_NE(frames[1].resource_version, "");
    }
  }
}

TEST_F(WireBodiesOfServerTest, ChangesAndTheEndOfAnObjectAreToldInOrder) {
  const k8s::Pod pod =
      PodBuilder("whole", "brief").On("whole").Ip("10.7.0.9").Build();
  const std::string list = Ask("/api/v1/namespaces/whole/pods", kJson).body;
  const std::string version =
      nlohmann::json::parse(list)["metadata"]["resourceVersion"];
  for (const v1::WatchEvent& event : {Upsert(pod), Delete(pod)}) {
    const absl::Status status = writer_->ApplyEvent(event);
    ASSERT_TRUE(status.ok()) << status;
  }
  for (const std::string accept : {kProtobufWatch, kJson}) {
    SCOPED_TRACE(accept);
    std::vector<Type> types;
    std::string last_version = version;
    for (const WatchFrame& frame :
         Watch(PodKind(), "&resourceVersion=" + version, accept)) {
      types.push_back(frame.type);
      ASSERT_TRUE(frame.event) << frame.bad_object;
      EXPECT_EQ(frame.event->pod().metadata().name(), "brief");
      EXPECT_EQ(frame.event->type(), frame.type == Type::kDeleted
                                         ? v1::WatchEvent::DELETE
                                         : v1::WatchEvent::UPSERT);
      EXPECT_GT(std::stoull(frame.resource_version), std::stoull(last_version));
      last_version = frame.resource_version;
    }
    // Made, given its address, told to end, gone.
    EXPECT_THAT(types, ElementsAre(Type::kAdded, Type::kModified,
                                   Type::kModified, Type::kDeleted));
  }
}

TEST_F(WireBodiesOfServerTest, AnErrorInAWatchIsAStatus) {
  // A server forgets what was before its start.
  const absl::Status restarted = control_plane_->RestartServer();
  ASSERT_TRUE(restarted.ok()) << restarted;
  for (const std::string accept : {kProtobufWatch, kJson}) {
    SCOPED_TRACE(accept);
    const std::vector<WatchFrame> frames =
        Watch(PodKind(), "&resourceVersion=1", accept);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].type, Type::kError);
    EXPECT_EQ(frames[0].status.code(), 410);
    EXPECT_EQ(frames[0].status.reason(), "Expired");
  }
}

TEST_F(WireBodiesOfServerTest, ARefusalIsAStatusInEitherFormat) {
  for (const std::string accept : {kProtobuf, kJson}) {
    SCOPED_TRACE(accept);
    ApiConnection stranger(control_plane_->AccessWith("token-of-a-stranger"));
    const auto answer =
        stranger.Send({.target = "/api/v1/pods", .accept = accept});
    ASSERT_TRUE(answer.ok()) << answer.status();
    const auto status = DecodeStatus(answer->body);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->code(), 401);
    EXPECT_EQ(status->reason(), "Unauthorized");
  }
}

}  // namespace
}  // namespace netpol
