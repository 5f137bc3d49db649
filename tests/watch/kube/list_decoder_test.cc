#include "netpol/watch/kube/list_decoder.h"

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

constexpr auto kPod = v1::WatchEvent::POD;
constexpr char kProtobuf[] = "application/vnd.kubernetes.protobuf";
constexpr char kJson[] = "application/json";

// All that came of a body.
struct Reading {
  std::vector<std::string> events;
  std::vector<std::string> bad;
  absl::Status status;
  std::string resource_version;
  std::string continue_token;

  std::string ToString() const {
    return absl::StrCat(absl::StrJoin(events, "\n"), "\n",
                        absl::StrJoin(bad, "\n"), "\n", status.ToString(), "\n",
                        resource_version, " ", continue_token);
  }
};

// A body in pieces, cut at `cuts`.
Reading ReadPieces(const std::string& type, const std::string& body,
                   const std::vector<size_t>& cuts,
                   v1::WatchEvent::Kind kind = kPod) {
  Reading out;
  auto decoder = ListDecoder::Create(
      type, kind,
      [&](v1::WatchEvent event) { out.events.push_back(event.DebugString()); },
      [&](const absl::Status& bad) { out.bad.push_back(bad.ToString()); });
  if (!decoder.ok()) {
    out.status = decoder.status();
    return out;
  }
  size_t at = 0;
  for (const size_t cut : cuts) {
    (void)(*decoder)->Append(absl::string_view(body).substr(at, cut - at));
    at = cut;
  }
  (void)(*decoder)->Append(absl::string_view(body).substr(at));
  out.status = (*decoder)->Finish();
  out.resource_version = (*decoder)->resource_version();
  out.continue_token = (*decoder)->continue_token();
  return out;
}

Reading Read(const std::string& type, const std::string& body,
             v1::WatchEvent::Kind kind = kPod) {
  return ReadPieces(type, body, {}, kind);
}

std::vector<v1::WatchEvent> Pods(int count) {
  std::vector<v1::WatchEvent> pods;
  for (int i = 0; i < count; ++i) {
    pods.push_back(Upsert(PodBuilder("web", absl::StrCat("pod-", i))
                              .On("node-a")
                              .Label("app", "we\"}]b")
                              .Ip(absl::StrCat("10.1.0.", i + 1))
                              .Phase("Running")
                              .Build()));
  }
  return pods;
}

std::string ProtobufBody(const std::vector<v1::WatchEvent>& pods) {
  std::vector<std::string> items;
  for (const v1::WatchEvent& pod : pods) items.push_back(ObjectBytes(pod));
  return InEnvelope("v1", "PodList", ListBytes(items, "4711", "next"),
                    absl::StrCat(BytesField(3, ""), BytesField(4, "")));
}

std::string JsonBody(const std::vector<v1::WatchEvent>& pods) {
  std::vector<std::string> items;
  for (const v1::WatchEvent& pod : pods) {
    nlohmann::json item = JsonOf(pod.pod());
    item.erase("kind");
    item.erase("apiVersion");
    items.push_back(item.dump());
  }
  return absl::StrCat(
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":)",
      R"("4711","continue":"next","remainingItemCount":3},"items":[)",
      absl::StrJoin(items, ","), "]}\n");
}

std::string Expected(const std::vector<v1::WatchEvent>& pods) {
  Reading reading;
  for (const v1::WatchEvent& pod : pods) {
    reading.events.push_back(pod.DebugString());
  }
  reading.resource_version = "4711";
  reading.continue_token = "next";
  return reading.ToString();
}

void ExpectBroken(const Reading& reading, const std::string& why) {
  EXPECT_EQ(reading.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(reading.status.ToString(), HasSubstr(why));
}

TEST(ListDecoderTest, KnowsItsContentTypes) {
  EXPECT_TRUE(
      Read("Application/JSON; charset=utf-8", JsonBody({})).status.ok());
  EXPECT_TRUE(Read("application/vnd.kubernetes.protobuf;as=x", ProtobufBody({}))
                  .status.ok());
  EXPECT_EQ(Read("text/plain", "").status.code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Read("", "").status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Read("application/jsonx", "").status.code(),
            absl::StatusCode::kUnimplemented);
}

TEST(ListDecoderTest, EveryCutOfProtobufGivesTheSame) {
  const std::vector<v1::WatchEvent> pods = Pods(3);
  const std::string body = ProtobufBody(pods);
  EXPECT_EQ(Read(kProtobuf, body).ToString(), Expected(pods));
  std::vector<size_t> every;
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    EXPECT_EQ(ReadPieces(kProtobuf, body, {cut}).ToString(), Expected(pods))
        << cut;
    every.push_back(cut);
  }
  EXPECT_EQ(ReadPieces(kProtobuf, body, every).ToString(), Expected(pods));
}

TEST(ListDecoderTest, EveryCutOfJsonGivesTheSame) {
  const std::vector<v1::WatchEvent> pods = Pods(3);
  const std::string body = JsonBody(pods);
  EXPECT_EQ(Read(kJson, body).ToString(), Expected(pods));
  std::vector<size_t> every;
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    EXPECT_EQ(ReadPieces(kJson, body, {cut}).ToString(), Expected(pods)) << cut;
    every.push_back(cut);
  }
  EXPECT_EQ(ReadPieces(kJson, body, every).ToString(), Expected(pods));
}

TEST(ListDecoderTest, RandomCutsOfLargeBodiesGiveTheSame) {
  const std::vector<v1::WatchEvent> pods = Pods(200);
  const std::string expected = Expected(pods);
  Random random(3);
  for (const std::string type : {kProtobuf, kJson}) {
    const std::string body =
        type == kJson ? JsonBody(pods) : ProtobufBody(pods);
    for (int round = 0; round < 10; ++round) {
      std::vector<size_t> cuts;
      size_t at = 0;
      while (true) {
        at += random.Below(random.Chance(50) ? 10 : 3000);
        if (at >= body.size()) break;
        cuts.push_back(at);
      }
      EXPECT_EQ(ReadPieces(type, body, cuts).ToString(), expected);
    }
  }
}

TEST(ListDecoderTest, TruncatedBodiesAreBroken) {
  const std::string protobuf = ProtobufBody(Pods(2));
  // Behind the raw bytes two fields follow that need not be there.
  const size_t complete = protobuf.size() - 4;
  for (size_t length = 0; length < protobuf.size(); ++length) {
    const bool whole = length == complete || length == complete + 2;
    EXPECT_EQ(Read(kProtobuf, protobuf.substr(0, length)).status.ok(), whole)
        << length << " of " << protobuf.size();
  }
  const std::string json = JsonBody(Pods(2));
  for (size_t length = 0; length + 1 < json.size(); ++length) {
    EXPECT_FALSE(Read(kJson, json.substr(0, length)).status.ok()) << length;
  }
}

TEST(ListDecoderTest, ABadObjectCostsItself) {
  const std::vector<v1::WatchEvent> pods = Pods(2);
  const std::string items =
      absl::StrCat(BytesField(2, ObjectBytes(pods[0])), BytesField(2, "\x0a"),
                   BytesField(2, ""), BytesField(2, ObjectBytes(pods[1])));
  Reading reading = Read(kProtobuf, InEnvelope("v1", "PodList", items));
  EXPECT_TRUE(reading.status.ok()) << reading.status;
  EXPECT_EQ(reading.events.size(), 2u);
  EXPECT_EQ(reading.bad.size(), 2u);

  reading = Read(
      kJson,
      absl::StrCat(
          R"({"items":[{"metadata":{"name":1}},)", JsonOf(pods[0].pod()).dump(),
          R"(,{"metadata":{}},{]},{"a":b}],"kind":"PodList","apiVersion":"v1"})"));
  EXPECT_EQ(reading.events.size(), 1u);
  EXPECT_EQ(reading.bad.size(), 3u) << reading.ToString();
}

TEST(ListDecoderTest, OrderAndUnknownFieldsDoNotMatter) {
  const std::vector<v1::WatchEvent> pods = Pods(2);
  const std::string list = absl::StrCat(
      UnknownFields(), BytesField(2, ObjectBytes(pods[0])), UnknownFields(),
      BytesField(2, ObjectBytes(pods[1])),
      BytesField(1, absl::StrCat(UnknownFields(), BytesField(2, "4711"))),
      BytesField(1, BytesField(3, "next")), UnknownFields());
  const std::string type =
      absl::StrCat(BytesField(2, "PodList"), BytesField(1, "v1"));
  const std::string body =
      absl::StrCat(absl::string_view("k8s\0", 4), UnknownFields(),
                   BytesField(2, list), UnknownFields(), BytesField(1, type));
  EXPECT_EQ(Read(kProtobuf, body).ToString(), Expected(pods));
  std::vector<size_t> every;
  for (size_t cut = 0; cut <= body.size(); ++cut) every.push_back(cut);
  EXPECT_EQ(ReadPieces(kProtobuf, body, every).ToString(), Expected(pods));

  const std::string json = absl::StrCat(
      " { \"x\" : [ {\"items\":[1]}, \"items\" ] , \"items\" : [ ",
      JsonOf(pods[0].pod()).dump(), " , ", JsonOf(pods[1].pod()).dump(),
      "\n] , \"metadata\" : {\"resourceVersion\":\"4711\",\"continue\":"
      "\"next\",\"items\":[]}, \"apiVersion\":\"v1\",\"kind\":\"PodList\"}");
  EXPECT_EQ(Read(kJson, json).ToString(), Expected(pods));
}

TEST(ListDecoderTest, EmptyListsAreLists) {
  EXPECT_EQ(Read(kProtobuf, ProtobufBody({})).ToString(), Expected({}));
  EXPECT_EQ(Read(kJson, JsonBody({})).ToString(), Expected({}));
  EXPECT_TRUE(
      Read(kJson, R"({"kind":"PodList","apiVersion":"v1","items":null})")
          .status.ok());
  EXPECT_TRUE(Read(kJson, R"({"kind":"PodList","apiVersion":"v1",
                              "metadata":null})")
                  .status.ok());
}

TEST(ListDecoderTest, AnotherKindIsRefusedBeforeItsObjects) {
  const std::string item = ObjectBytes(Pods(1)[0]);
  const std::string list = ListBytes({item}, "1");
  for (const auto& [api_version, kind] :
       std::vector<std::pair<std::string, std::string>>{
           {"v1", "NodeList"}, {"v1", "Pod"}, {"v2", "PodList"}}) {
    Reading reading = Read(kProtobuf, InEnvelope(api_version, kind, list));
    ExpectBroken(reading, absl::StrCat("it is a \"", api_version, " ", kind));
    EXPECT_THAT(reading.events, IsEmpty());
    reading =
        Read(kJson, absl::StrCat(R"({"kind":")", kind, R"(","apiVersion":")",
                                 api_version, R"(","items":[)",
                                 JsonOf(Pods(1)[0].pod()).dump(), "]}"));
    ExpectBroken(reading, absl::StrCat("it is a \"", api_version, " ", kind));
    EXPECT_THAT(reading.events, IsEmpty());
  }
  // What came as its answer may not even be a list: then no object is missing.
  ExpectBroken(Read(kJson, "{}"), "it is a \" \"");
  ExpectBroken(Read(kJson, R"({"items":[]})"), "it is a \" \"");
  EXPECT_TRUE(Read(kProtobuf,
                   InEnvelope("networking.k8s.io/v1", "NetworkPolicyList", ""),
                   v1::WatchEvent::NETWORK_POLICY)
                  .status.ok());
}

TEST(ListDecoderTest, AStatusInPlaceOfAListIsTold) {
  const std::string status =
      absl::StrCat(BytesField(2, "Failure"), BytesField(3, "no storage"),
                   BytesField(4, "InternalError"));
  ExpectBroken(Read(kProtobuf, InEnvelope("v1", "Status", status)),
               "a Status instead: InternalError: no storage");
  ExpectBroken(Read(kJson, R"({"kind":"Status","apiVersion":"v1",
                   "message":"no storage","reason":"InternalError"})"),
               "a Status instead: InternalError: no storage");
}

TEST(ListDecoderTest, WhatIsNoListIsRefused) {
  ExpectBroken(Read(kProtobuf, ""), "ended in the middle");
  ExpectBroken(Read(kProtobuf, "k8s"), "ended in the middle");
  ExpectBroken(Read(kProtobuf, std::string("k8s\0", 4)), "ended in the middle");
  ExpectBroken(Read(kProtobuf, "k8s\x01"), "does not begin with");
  ExpectBroken(Read(kProtobuf, JsonBody({})), "does not begin with");
  const std::string magic("k8s\0", 4);
  ExpectBroken(Read(kProtobuf, magic + "\x0b"), "unknown type");
  ExpectBroken(Read(kProtobuf, absl::StrCat(magic, VarintField(0, 1))),
               "not a field");
  ExpectBroken(Read(kProtobuf, magic + std::string(12, '\xff')),
               "more than 10 bytes");
  // Fields of the list that reach beyond it.
  for (const std::string& list :
       {std::string("\x12\x05x"), std::string("\x12"), std::string("\x1a\x80"),
        std::string("\x1d"
                    "abc"),
        std::string("\x1a\x05x")}) {
    ExpectBroken(
        Read(kProtobuf, InEnvelope("v1", "PodList", list, UnknownFields())),
        "not a PodList of v1 in protobuf");
  }
  const std::string raw = InEnvelope("v1", "PodList", "");
  ExpectBroken(Read(kProtobuf, raw + BytesField(2, "")), "two lists");
  ExpectBroken(Read(kProtobuf, raw + BytesField(3, "gzip")), "encoding");
  ExpectBroken(Read(kProtobuf, raw + BytesField(4, "text")), "content type");

  ExpectBroken(Read(kJson, ""), "ended in the middle");
  ExpectBroken(Read(kJson, "[]"), "not one JSON object");
  ExpectBroken(Read(kJson, "\"a\""), "not one JSON object");
  ExpectBroken(Read(kJson, "<html>"), "not one JSON object");
  ExpectBroken(Read(kJson, JsonBody({}) + "{}"), "not one JSON object");
  ExpectBroken(Read(kJson, R"({"items":[1]})"), "items");
  ExpectBroken(Read(kJson, R"({"items":[{} {}]})"), "items");
  ExpectBroken(Read(kJson, R"({"items":[],"items":[]})"), "given twice");
  ExpectBroken(
      Read(kJson, R"({"kind":"PodList","apiVersion":"v1","items":{}})"),
      "is no list");
}

TEST(ListDecoderTest, ClaimedSizesAreNotBelieved) {
  const std::string type =
      absl::StrCat(BytesField(1, "v1"), BytesField(2, "PodList"));
  const std::string front =
      absl::StrCat(absl::string_view("k8s\0", 4), BytesField(1, type));
  // Raw bytes of 1 TiB are read as they come; an item of that size is not.
  const std::string raw = "\x12\x80\x80\x80\x80\x80\x20";
  ExpectBroken(Read(kProtobuf, front + raw), "ended in the middle");
  ExpectBroken(Read(kProtobuf, front + raw + "\x12\x81\x80\x80\x20"),
               "an object of 67108865 bytes");
  ExpectBroken(Read(kProtobuf, front + raw + "\x12\x80\x80\x80\x20"),
               "ended in the middle");
}

TEST(ListDecoderTest, ABrokenBodyStaysBroken) {
  auto decoder = *ListDecoder::Create(
      kJson, kPod, [](v1::WatchEvent) {}, [](const absl::Status&) {});
  EXPECT_FALSE(decoder->Append("[").ok());
  EXPECT_FALSE(decoder->Append(JsonBody({})).ok());
  EXPECT_FALSE(decoder->Finish().ok());
}

TEST(ListDecoderTest, GarbageNeverCrashes) {
  Random random(11);
  int broken = 0;
  for (int round = 0; round < 2000; ++round) {
    const bool json = random.Chance(50);
    std::string body = json ? JsonBody(Pods(2)) : ProtobufBody(Pods(2));
    for (int i = random.Between(1, 6); i > 0; --i) {
      body[random.Below(body.size())] = static_cast<char>(random.Below(256));
    }
    const size_t cut = random.Below(body.size());
    const Reading whole = Read(json ? kJson : kProtobuf, body);
    const Reading pieces = ReadPieces(json ? kJson : kProtobuf, body, {cut});
    EXPECT_EQ(whole.ToString(), pieces.ToString());
    if (!whole.status.ok()) ++broken;
  }
  EXPECT_GT(broken, 100);
}

}  // namespace
}  // namespace netpol
