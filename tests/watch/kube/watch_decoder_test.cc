#include "netpol/watch/kube/watch_decoder.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/watch/kube/wire_bodies.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Type = WatchFrame::Type;

constexpr auto kPod = v1::WatchEvent::POD;
constexpr auto kPolicy = v1::WatchEvent::NETWORK_POLICY;
constexpr char kProtobuf[] = "application/vnd.kubernetes.protobuf;stream=watch";
constexpr char kJson[] = "application/json";

// A bookmark of a watch of NetworkPolicies, at resource version 12345.
constexpr char kBookmark[] =
    "00 00 00 5a 0a 08 42 4f 4f 4b 4d 41 52 4b 12 4e 0a 4c 6b 38 73 00 0a 25 "
    "0a 14 6e 65 74 77 6f 72 6b 69 6e 67 2e 6b 38 73 2e 69 6f 2f 76 31 12 0d "
    "4e 65 74 77 6f 72 6b 50 6f 6c 69 63 79 12 1b 0a 15 0a 00 12 00 1a 00 22 "
    "00 2a 00 32 05 31 32 33 34 35 38 00 42 00 12 02 0a 00 1a 00 22 00";
// The end of a watch whose resource version is too old.
constexpr char kExpired[] =
    "00 00 00 61 0a 05 45 52 52 4f 52 12 58 0a 56 6b 38 73 00 0a 0c 0a 02 76 "
    "31 12 06 53 74 61 74 75 73 12 3e 0a 06 0a 00 12 00 1a 00 12 07 46 61 69 "
    "6c 75 72 65 1a 1f 74 6f 6f 20 6f 6c 64 20 72 65 73 6f 75 72 63 65 20 76 "
    "65 72 73 69 6f 6e 3a 20 31 20 28 32 29 22 07 45 78 70 69 72 65 64 30 9a "
    "03 1a 00 22 00";

std::string TextOf(const WatchFrame& frame) {
  return absl::StrCat(static_cast<int>(frame.type), " ", frame.resource_version,
                      " ", frame.event ? frame.event->DebugString() : "-", " ",
                      frame.bad_object.ToString(), " ",
                      frame.initial_events_end, " ",
                      frame.status.DebugString());
}

struct Reading {
  std::vector<WatchFrame> frames;
  absl::Status status;
  bool at_boundary = false;

  std::string ToString() const {
    return absl::StrCat(
        absl::StrJoin(frames, "\n",
                      [](std::string* out, const WatchFrame& frame) {
                        absl::StrAppend(out, TextOf(frame));
                      }),
        "\n", status.ToString(), " ", at_boundary);
  }
};

Reading ReadPieces(const std::string& type, const std::string& stream,
                   const std::vector<size_t>& cuts,
                   v1::WatchEvent::Kind kind = kPod) {
  Reading out;
  auto decoder = WatchDecoder::Create(type, kind, [&](WatchFrame frame) {
    out.frames.push_back(std::move(frame));
  });
  if (!decoder.ok()) {
    out.status = decoder.status();
    return out;
  }
  size_t at = 0;
  for (const size_t cut : cuts) {
    (void)(*decoder)->Append(absl::string_view(stream).substr(at, cut - at));
    at = cut;
  }
  out.status = (*decoder)->Append(absl::string_view(stream).substr(at));
  out.at_boundary = (*decoder)->AtBoundary();
  return out;
}

Reading Read(const std::string& type, const std::string& stream,
             v1::WatchEvent::Kind kind = kPod) {
  return ReadPieces(type, stream, {}, kind);
}

k8s::Pod MakePod(const std::string& name, const std::string& version) {
  k8s::Pod pod = PodBuilder("web", name).Ip("10.1.0.1").Build();
  pod.mutable_metadata()->set_resource_version(version);
  return pod;
}

v1::WatchEvent Reduced(v1::WatchEvent event) {
  event.mutable_pod()->mutable_metadata()->clear_resource_version();
  return event;
}

std::string Json(const std::string& type, const nlohmann::json& object) {
  return absl::StrCat("{\"type\":\"", type, "\",\"object\":", object.dump(),
                      "}\n");
}

// JSON of `pod` with its resource version, which manifests do not have.
nlohmann::json JsonPod(const k8s::Pod& pod) {
  nlohmann::json json = JsonOf(pod);
  json["metadata"]["resourceVersion"] = pod.metadata().resource_version();
  return json;
}

// A stream with each type of frame, in both encodings.
std::string ProtobufStream() {
  k8s::Pod bookmark;
  bookmark.mutable_metadata()->set_resource_version("9");
  (*bookmark.mutable_metadata()
        ->mutable_annotations())["k8s.io/initial-events-end"] = "true";
  const auto frame = [](absl::string_view type, const k8s::Pod& pod) {
    return ProtobufFrame(type, ObjectInEnvelope(Upsert(pod)));
  };
  return absl::StrCat(frame("ADDED", MakePod("a", "7")),
                      frame("MODIFIED", MakePod("a", "8")),
                      frame("BOOKMARK", bookmark),
                      frame("DELETED", MakePod("a", "10")), FromHex(kExpired));
}

std::string JsonStream() {
  const nlohmann::json bookmark = {
      {"kind", "Pod"},
      {"apiVersion", "v1"},
      {"metadata",
       {{"resourceVersion", "9"},
        {"creationTimestamp", nullptr},
        {"annotations", {{"k8s.io/initial-events-end", "true"}}}}},
      {"spec", {{"containers", nullptr}}},
      {"status", nlohmann::json::object()}};
  const nlohmann::json status = {
      {"kind", "Status"},    {"apiVersion", "v1"},
      {"status", "Failure"}, {"message", "too old resource version: 1 (2)"},
      {"reason", "Expired"}, {"code", 410}};
  return absl::StrCat(
      Json("ADDED", JsonPod(MakePod("a", "7"))),
      Json("MODIFIED", JsonPod(MakePod("a", "8"))), Json("BOOKMARK", bookmark),
      Json("DELETED", JsonPod(MakePod("a", "10"))), Json("ERROR", status));
}

void ExpectEveryType(const Reading& reading) {
  ASSERT_THAT(reading.frames, SizeIs(5)) << reading.ToString();
  EXPECT_TRUE(reading.status.ok()) << reading.status;
  EXPECT_TRUE(reading.at_boundary);
  const std::vector<WatchFrame>& frames = reading.frames;
  EXPECT_EQ(frames[0].type, Type::kAdded);
  EXPECT_EQ(frames[0].resource_version, "7");
  ASSERT_TRUE(frames[0].event.has_value()) << frames[0].bad_object;
  EXPECT_EQ(frames[0].event->DebugString(),
            Reduced(Upsert(MakePod("a", ""))).DebugString());
  EXPECT_EQ(frames[1].type, Type::kModified);
  EXPECT_EQ(frames[1].resource_version, "8");
  EXPECT_EQ(frames[2].type, Type::kBookmark);
  EXPECT_EQ(frames[2].resource_version, "9");
  EXPECT_TRUE(frames[2].initial_events_end);
  EXPECT_FALSE(frames[2].event.has_value());
  EXPECT_TRUE(frames[2].bad_object.ok());
  EXPECT_EQ(frames[3].type, Type::kDeleted);
  EXPECT_EQ(frames[3].resource_version, "10");
  ASSERT_TRUE(frames[3].event.has_value()) << frames[3].bad_object;
  EXPECT_EQ(frames[3].event->DebugString(),
            Delete(MakePod("a", "")).DebugString());
  EXPECT_EQ(frames[4].type, Type::kError);
  EXPECT_EQ(frames[4].status.code(), 410);
  EXPECT_EQ(frames[4].status.reason(), "Expired");
  EXPECT_EQ(frames[4].status.message(), "too old resource version: 1 (2)");
  EXPECT_TRUE(frames[4].bad_object.ok());
}

TEST(WatchDecoderTest, KnowsItsContentTypes) {
  EXPECT_TRUE(Read("Application/JSON;stream=watch", "").status.ok());
  EXPECT_TRUE(Read("application/vnd.kubernetes.protobuf", "").status.ok());
  EXPECT_EQ(Read("text/html", "").status.code(),
            absl::StatusCode::kUnimplemented);
}

TEST(WatchDecoderTest, BookmarkGivesItsResourceVersionOnly) {
  const Reading reading = Read(kProtobuf, FromHex(kBookmark), kPolicy);
  ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
  EXPECT_EQ(reading.frames[0].type, Type::kBookmark);
  EXPECT_EQ(reading.frames[0].resource_version, "12345");
  EXPECT_FALSE(reading.frames[0].event.has_value());
  EXPECT_FALSE(reading.frames[0].initial_events_end);
  EXPECT_TRUE(reading.frames[0].bad_object.ok());
}

TEST(WatchDecoderTest, EveryTypeOfFrameIsRead) {
  ExpectEveryType(Read(kProtobuf, ProtobufStream()));
  ExpectEveryType(Read(kJson, JsonStream()));
}

TEST(WatchDecoderTest, EveryCutGivesTheSame) {
  for (const std::string type : {kProtobuf, kJson}) {
    const std::string stream = type == kJson ? JsonStream() : ProtobufStream();
    const std::string expected = Read(type, stream).ToString();
    std::vector<size_t> every;
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      EXPECT_EQ(ReadPieces(type, stream, {cut}).ToString(), expected) << cut;
      every.push_back(cut);
    }
    ExpectEveryType(ReadPieces(type, stream, every));
  }
}

TEST(WatchDecoderTest, RandomCutsOfLongStreamsGiveTheSame) {
  Random random(5);
  for (const std::string type : {kProtobuf, kJson}) {
    std::string stream;
    for (int i = 0; i < 200; ++i) {
      const k8s::Pod pod = MakePod(absl::StrCat("p", i), absl::StrCat(i));
      stream += type == kJson
                    ? Json("ADDED", JsonPod(pod))
                    : ProtobufFrame("ADDED", ObjectInEnvelope(Upsert(pod)));
    }
    const std::string expected = Read(type, stream).ToString();
    ASSERT_THAT(Read(type, stream).frames, SizeIs(200));
    for (int round = 0; round < 10; ++round) {
      std::vector<size_t> cuts;
      for (size_t at = 0; at < stream.size();
           at += random.Below(random.Chance(50) ? 9 : 2000)) {
        cuts.push_back(at);
      }
      EXPECT_EQ(ReadPieces(type, stream, cuts).ToString(), expected);
    }
  }
}

TEST(WatchDecoderTest, AStreamMayEndBetweenFramesOnly) {
  const std::string object = ObjectInEnvelope(Upsert(MakePod("a", "7")));
  const std::string frame = ProtobufFrame("ADDED", object);
  const std::string json = "{\"type\":\"ADDED\",\"object\":{\"a\":\"}\"}}";
  for (const auto& [type, text] :
       std::vector<std::pair<std::string, std::string>>{{kProtobuf, frame},
                                                        {kJson, json}}) {
    for (size_t length = 0; length <= text.size(); ++length) {
      const Reading reading = Read(type, text.substr(0, length));
      EXPECT_EQ(reading.at_boundary, length == 0 || length == text.size());
      EXPECT_THAT(reading.frames, SizeIs(length == text.size() ? 1 : 0));
    }
  }
  EXPECT_TRUE(Read(kJson, absl::StrCat(" \n", json, "\r\n ")).at_boundary);
}

TEST(WatchDecoderTest, JsonObjectsNeedNothingBetween) {
  const std::string frame = Json("ADDED", JsonPod(MakePod("a", "7")));
  const std::string tight = frame.substr(0, frame.size() - 1);
  EXPECT_THAT(Read(kJson, absl::StrCat(tight, tight, "\n\n\t", tight)).frames,
              SizeIs(3));
}

TEST(WatchDecoderTest, ABadObjectLeavesItsResourceVersion) {
  // Broken behind its metadata.
  const std::string object =
      InEnvelope("v1", "Pod",
                 absl::StrCat(ObjectBytes(Upsert(MakePod("a", "7"))),
                              BytesField(2, "\x12\x7f")));
  Reading reading = Read(kProtobuf, absl::StrCat(ProtobufFrame("ADDED", object),
                                                 ProtobufStream()));
  ASSERT_THAT(reading.frames, SizeIs(6)) << reading.status;
  EXPECT_FALSE(reading.frames[0].event.has_value());
  EXPECT_EQ(reading.frames[0].resource_version, "7");
  EXPECT_THAT(reading.frames[0].bad_object.ToString(), HasSubstr("Pod"));

  nlohmann::json pod = JsonPod(MakePod("a", "7"));
  pod["spec"] = 1;
  reading = Read(kJson, absl::StrCat(Json("MODIFIED", pod), JsonStream()));
  ASSERT_THAT(reading.frames, SizeIs(6)) << reading.status;
  EXPECT_FALSE(reading.frames[0].event.has_value());
  EXPECT_EQ(reading.frames[0].resource_version, "7");
  EXPECT_THAT(reading.frames[0].bad_object.ToString(),
              HasSubstr("Pod web/a: spec"));
}

TEST(WatchDecoderTest, ADeletionNeedsNoMoreThanNames) {
  const std::string broken =
      InEnvelope("v1", "Pod",
                 absl::StrCat(ObjectBytes(Upsert(MakePod("a", "7"))),
                              BytesField(2, "\x12\x7f")));
  nlohmann::json pod = JsonPod(MakePod("a", "7"));
  pod["spec"] = 1;
  for (const Reading& reading :
       {Read(kProtobuf, ProtobufFrame("DELETED", broken)),
        Read(kJson, Json("DELETED", pod))}) {
    ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
    ASSERT_TRUE(reading.frames[0].event.has_value())
        << reading.frames[0].bad_object;
    EXPECT_EQ(reading.frames[0].event->DebugString(),
              Delete(MakePod("a", "")).DebugString());
  }
  const Reading nameless =
      Read(kProtobuf, ProtobufFrame("DELETED", InEnvelope("v1", "Pod", "")));
  ASSERT_THAT(nameless.frames, SizeIs(1));
  EXPECT_FALSE(nameless.frames[0].event.has_value());
  EXPECT_FALSE(nameless.frames[0].bad_object.ok());
}

TEST(WatchDecoderTest, ADeletedPolicyHasNoSpec) {
  const k8s::NetworkPolicy policy = PolicyBuilder("web", "p").Build();
  const Reading reading =
      Read(kProtobuf,
           ProtobufFrame("DELETED", ObjectInEnvelope(Upsert(policy))), kPolicy);
  ASSERT_THAT(reading.frames, SizeIs(1));
  EXPECT_EQ(reading.frames[0].event->DebugString(),
            Delete(policy).DebugString());
}

TEST(WatchDecoderTest, ObjectsOfAnotherKindAreBad) {
  const std::string node =
      ObjectInEnvelope(Upsert(NodeBuilder("node-a").Build()));
  for (const Reading& reading :
       {Read(kProtobuf, ProtobufFrame("ADDED", node)),
        Read(kJson, Json("ADDED", JsonOf(NodeBuilder("node-a").Build())))}) {
    ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
    EXPECT_FALSE(reading.frames[0].event.has_value());
    EXPECT_THAT(reading.frames[0].bad_object.ToString(),
                HasSubstr("object of v1 Node"));
  }
}

TEST(WatchDecoderTest, FramesWithoutReadableObjectAreTold) {
  for (const Reading& reading :
       {Read(kProtobuf, WithLength(BytesField(1, "ADDED"))),
        Read(kProtobuf, ProtobufFrame("ADDED", "no magic")),
        Read(kProtobuf, ProtobufFrame("ERROR", "no magic")),
        Read(kProtobuf, ProtobufFrame("BOOKMARK", InEnvelope("v1", "Pod", ""))),
        Read(kJson, R"({"type":"BOOKMARK","object":{}})"),
        Read(kJson, R"({"type":"ADDED","object":{"metadata":x}})"),
        Read(kJson, R"({"type":"ADDED"})"),
        Read(kJson, R"({"type":"ERROR","object":{"code":"x"}})")}) {
    ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
    EXPECT_FALSE(reading.frames[0].bad_object.ok());
    EXPECT_FALSE(reading.frames[0].event.has_value());
  }
}

TEST(WatchDecoderTest, AnErrorInsideProtobufMayBeJson) {
  const Reading reading =
      Read(kProtobuf,
           ProtobufFrame("ERROR",
                         R"({"kind":"Status","apiVersion":"v1","code":500})"));
  ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
  EXPECT_EQ(reading.frames[0].status.code(), 500);
}

TEST(WatchDecoderTest, UnknownFieldsOfAFrameAreSkipped) {
  const std::string object = ObjectInEnvelope(Upsert(MakePod("a", "7")));
  const std::string message = absl::StrCat(
      UnknownFields(),
      BytesField(2, absl::StrCat(UnknownFields(), BytesField(1, object))),
      BytesField(1, "ADDED"), UnknownFields());
  const Reading reading = Read(kProtobuf, WithLength(message));
  ASSERT_THAT(reading.frames, SizeIs(1)) << reading.status;
  EXPECT_TRUE(reading.frames[0].event.has_value());
}

TEST(WatchDecoderTest, BrokenStreamsAreRefused) {
  const auto why = [](const std::string& type, const std::string& stream) {
    const Reading reading = Read(type, stream);
    EXPECT_EQ(reading.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(reading.at_boundary);
    EXPECT_THAT(reading.frames, IsEmpty());
    return reading.status.ToString();
  };
  EXPECT_THAT(why(kProtobuf, std::string(4, '\0')), HasSubstr("0 bytes"));
  EXPECT_THAT(why(kProtobuf, std::string("\x04\x00\x00\x01", 4)),
              HasSubstr("67108865 bytes"));
  EXPECT_THAT(why(kProtobuf, "\xff\xff\xff\xff"), HasSubstr("4294967295"));
  EXPECT_THAT(why(kProtobuf, WithLength("\x0a\x05x")), HasSubstr("no event"));
  EXPECT_THAT(why(kProtobuf, WithLength(BytesField(1, "added"))),
              HasSubstr("unknown type \"added\""));
  EXPECT_THAT(why(kProtobuf, WithLength(UnknownFields())),
              HasSubstr("unknown type \"\""));
  EXPECT_THAT(why(kJson, "x"), HasSubstr("other than JSON objects"));
  EXPECT_THAT(why(kJson, "[]"), HasSubstr("other than JSON objects"));
  EXPECT_THAT(why(kJson, R"({"type":"ADDED" "object":{}})"),
              HasSubstr("no event"));
  EXPECT_THAT(why(kJson, R"({"type":x})"), HasSubstr("unknown type \"\""));
  EXPECT_THAT(why(kJson, R"({"object":{}})"), HasSubstr("unknown type \"\""));
}

TEST(WatchDecoderTest, ALargestFrameIsWaitedFor) {
  const Reading reading = Read(kProtobuf, std::string("\x04\x00\x00\x00x", 5));
  EXPECT_TRUE(reading.status.ok()) << reading.status;
  EXPECT_FALSE(reading.at_boundary);
}

TEST(WatchDecoderTest, ABrokenStreamStaysBroken) {
  auto decoder = *WatchDecoder::Create(
      kJson, kPod, [](WatchFrame) { FAIL() << "a frame of a broken stream"; });
  EXPECT_FALSE(decoder->Append("[").ok());
  EXPECT_FALSE(decoder->Append(JsonStream()).ok());
}

TEST(WatchDecoderTest, GarbageNeverCrashes) {
  Random random(13);
  int broken = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string type = random.Chance(50) ? kJson : kProtobuf;
    std::string stream = type == kJson ? JsonStream() : ProtobufStream();
    for (int i = random.Between(1, 6); i > 0; --i) {
      stream[random.Below(stream.size())] =
          static_cast<char>(random.Below(256));
    }
    const size_t cut = random.Below(stream.size());
    const Reading whole = Read(type, stream);
    EXPECT_EQ(ReadPieces(type, stream, {cut}).ToString(), whole.ToString());
    if (!whole.status.ok()) ++broken;
  }
  EXPECT_GT(broken, 100);
}

}  // namespace
}  // namespace netpol
