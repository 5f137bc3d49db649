#include "netpol/watch/kube/object_decoder.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/watch/kube/wire_bodies.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kPod = v1::WatchEvent::POD;
constexpr auto kNode = v1::WatchEvent::NODE;
constexpr auto kNamespace = v1::WatchEvent::NAMESPACE;
constexpr auto kPolicy = v1::WatchEvent::NETWORK_POLICY;

std::string TextOf(const absl::StatusOr<v1::WatchEvent>& event) {
  return event.ok() ? event->DebugString() : event.status().ToString();
}

void ExpectRefused(const absl::Status& status, const std::string& why) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

// metadata of a pod with all that the server writes into it.
std::string PodMetadata() {
  const std::string label =
      absl::StrCat(BytesField(1, "app"), BytesField(2, "web"));
  const std::string annotation = absl::StrCat(
      BytesField(1, "kube-router.io/pod-cidrs"), BytesField(2, "\xff\xfe"));
  return absl::StrCat(
      BytesField(1, "a"), BytesField(2, "a-"), BytesField(3, "web"),
      BytesField(4, ""), BytesField(5, "6e0c"), BytesField(6, "77"),
      VarintField(7, 3),
      BytesField(8,
                 absl::StrCat(VarintField(1, 1700000000), VarintField(2, 0))),
      BytesField(11, label), BytesField(12, annotation), UnknownFields(),
      BytesField(17, "managed"));
}

// With unknown fields at every level, and empty ones as the server has them.
std::string WholePod() {
  const std::string port = absl::StrCat(
      BytesField(1, "http"), VarintField(2, 0), VarintField(3, 8080),
      BytesField(4, "TCP"), BytesField(5, ""), UnknownFields());
  const std::string container =
      absl::StrCat(BytesField(1, "main"), BytesField(2, "image"),
                   BytesField(6, port), UnknownFields());
  const std::string sidecar = absl::StrCat(
      BytesField(1, "s"), BytesField(6, port), BytesField(24, "Always"));
  const std::string spec = absl::StrCat(
      UnknownFields(), BytesField(2, container), BytesField(2, "\x0a\x01x"),
      BytesField(10, "node-a"), VarintField(11, 0), BytesField(20, sidecar));
  const std::string status = absl::StrCat(
      BytesField(1, "Running"), BytesField(3, "message"),
      BytesField(5, "192.0.2.1"), BytesField(6, "10.1.0.2"),
      BytesField(12, absl::StrCat(BytesField(1, "10.1.0.2"), UnknownFields())),
      UnknownFields());
  return absl::StrCat(UnknownFields(), BytesField(1, PodMetadata()),
                      BytesField(2, spec), BytesField(3, status));
}

v1::WatchEvent ReducedPod() {
  k8s::Pod pod = PodBuilder("web", "a")
                     .On("node-a")
                     .Label("app", "web")
                     .Port("http", 8080, "TCP")
                     .InitPort(/*sidecar=*/true, "http", 8080, "TCP")
                     .Ip("10.1.0.2")
                     .OldIp("10.1.0.2")
                     .Phase("Running")
                     .Created(1700000000)
                     .Build();
  pod.mutable_status()->set_host_ip("192.0.2.1");
  // Of a container nothing but its ports is read.
  for (k8s::Container& container : *pod.mutable_spec()->mutable_containers()) {
    container.clear_name();
  }
  for (auto& container : *pod.mutable_spec()->mutable_init_containers()) {
    container.clear_name();
  }
  return Upsert(pod);
}

TEST(DecodeItemTest, OfAPodOnlyWhatIsReadIsKept) {
  EXPECT_EQ(TextOf(DecodeItem(kPod, WholePod())), ReducedPod().DebugString());
  // DebugString would name a field that is kept unknown, but not one that is
  // kept twice.
  EXPECT_EQ(DecodeItem(kPod, WholePod())->ByteSizeLong(),
            ReducedPod().ByteSizeLong());
}

TEST(DecodeItemTest, OfANodeTheOneAnnotationIsKept) {
  k8s::Node node = NodeBuilder("node-a")
                       .Annotation("kube-router.io/pod-cidrs", "10.2.0.0/24")
                       .PodCidr("10.1.0.0/24")
                       .OldPodCidr("10.1.0.0/24")
                       .Address("192.0.2.1")
                       .Build();
  node.mutable_spec()->add_taints()->set_key("k");
  k8s::Node sent = node;
  (*sent.mutable_metadata()->mutable_annotations())["other"] = "x";
  sent.mutable_metadata()->set_uid("u");
  sent.mutable_metadata()->set_resource_version("7");
  (*sent.mutable_metadata()->mutable_labels())["l"] = "x";
  EXPECT_EQ(TextOf(DecodeItem(kNode, sent.SerializeAsString())),
            Upsert(node).DebugString());
}

TEST(DecodeItemTest, OfANamespaceLabelsAreKept) {
  k8s::Namespace sent = MakeNamespace("web", {{"team", "a"}});
  sent.mutable_metadata()->set_uid("u");
  (*sent.mutable_metadata()->mutable_annotations())["x"] = "y";
  EXPECT_EQ(TextOf(DecodeItem(kNamespace, sent.SerializeAsString())),
            Upsert(MakeNamespace("web", {{"team", "a"}})).DebugString());
}

TEST(DecodeItemTest, AbsentAndEmptySelectorsStayApart) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("web", "p")
          .Ingress({PodPeer(MatchLabels())}, {ProtocolPort("TCP")})
          .Ingress({NamespacePeer(MatchLabels())})
          .Ingress({k8s::NetworkPolicyPeer()})
          .Build();
  absl::StatusOr<v1::WatchEvent> event =
      DecodeItem(kPolicy, policy.SerializeAsString());
  EXPECT_EQ(TextOf(event), Upsert(policy).DebugString());
  const auto& rules = event->network_policy().spec().ingress();
  EXPECT_TRUE(rules[0].from(0).has_pod_selector());
  EXPECT_FALSE(rules[0].from(0).has_namespace_selector());
  EXPECT_TRUE(rules[1].from(0).has_namespace_selector());
  EXPECT_FALSE(rules[2].from(0).has_pod_selector());
}

TEST(DecodeItemTest, InvalidUtf8CostsNothing) {
  const std::string label =
      absl::StrCat(BytesField(1, "k\xff"), BytesField(2, "v\xc0"));
  const std::string metadata =
      absl::StrCat(BytesField(1, "a"), BytesField(3, "web"),
                   BytesField(11, label), BytesField(12, label));
  absl::StatusOr<v1::WatchEvent> event =
      DecodeItem(kPod, BytesField(1, metadata));
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->pod().metadata().labels().at("k\xff"), "v\xc0");
}

TEST(DecodeItemTest, ObjectsWithoutNamesAreRefused) {
  ExpectRefused(DecodeItem(kPod, "").status(), "Pod without metadata.name");
  ExpectRefused(DecodeItem(kPod, BytesField(1, BytesField(3, "web"))).status(),
                "Pod without metadata.name");
  ExpectRefused(DecodeItem(kPod, BytesField(1, BytesField(1, "a"))).status(),
                "Pod a without metadata.namespace");
  ExpectRefused(DecodeItem(kPolicy, BytesField(1, BytesField(1, "a"))).status(),
                "NetworkPolicy a without metadata.namespace");
  EXPECT_TRUE(DecodeItem(kNode, BytesField(1, BytesField(1, "a"))).ok());
  EXPECT_TRUE(DecodeItem(kNamespace, BytesField(1, BytesField(1, "a"))).ok());
}

TEST(DecodeItemTest, BrokenBytesAreRefusedWhereverTheyBreak) {
  const std::string whole = WholePod();
  int refused = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto event = DecodeItem(kPod, whole.substr(0, length));
    // A cut between two fields of the pod is none.
    if (!event.ok()) ++refused;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 20);
  ExpectRefused(DecodeItem(kPod, "\x0a\xff\xff\xff\xff\xff\x01").status(),
                "no protobuf message");
  ExpectRefused(DecodeItem(kPod, "\x0b").status(), "no protobuf message");
  ExpectRefused(DecodeItem(kPod, std::string(11, '\xff')).status(),
                "no protobuf message");
}

TEST(DecodeItemTest, KnownFieldsOfAnotherTypeAreUnknown) {
  const std::string sent = absl::StrCat(
      BytesField(1, absl::StrCat(BytesField(1, "a"), BytesField(3, "web"),
                                 VarintField(11, 3))),
      VarintField(2, 1), BytesField(3, VarintField(12, 9)));
  absl::StatusOr<v1::WatchEvent> event = DecodeItem(kPod, sent);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->pod().metadata().name(), "a");
  EXPECT_THAT(event->DebugString(), Not(HasSubstr("12: 9")));
}

TEST(OpenEnvelopeTest, GivesTypeAndContent) {
  const std::string bytes = InEnvelope(
      "v1", "Pod", "raw",
      absl::StrCat(UnknownFields(), BytesField(3, ""),
                   BytesField(4, "application/vnd.kubernetes.protobuf")));
  absl::StatusOr<Envelope> envelope = OpenEnvelope(bytes);
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  EXPECT_EQ(envelope->api_version, "v1");
  EXPECT_EQ(envelope->kind, "Pod");
  EXPECT_EQ(envelope->raw, "raw");
}

TEST(OpenEnvelopeTest, RefusesWhatItCannotOpen) {
  ExpectRefused(OpenEnvelope("").status(), "does not begin with");
  ExpectRefused(OpenEnvelope("k8s").status(), "does not begin with");
  ExpectRefused(OpenEnvelope(absl::string_view("k8s\x01", 4)).status(),
                "does not begin with");
  ExpectRefused(OpenEnvelope(kProtobufMagic).status(), "broken or empty");
  ExpectRefused(
      OpenEnvelope(InEnvelope("v1", "Pod", "", BytesField(3, "gzip"))).status(),
      "content encoding \"gzip\"");
  ExpectRefused(OpenEnvelope(InEnvelope("v1", "Pod", "",
                                        BytesField(4, "application/json")))
                    .status(),
                "content type \"application/json\"");
}

TEST(DecodeObjectTest, ReadsEveryFollowedKind) {
  for (const v1::WatchEvent& event :
       {Upsert(MakeNamespace("web")), Upsert(PodBuilder("web", "a").Build()),
        Upsert(NodeBuilder("n").Build()),
        Upsert(PolicyBuilder("web", "p").Build())}) {
    EXPECT_EQ(TextOf(DecodeObject(ObjectInEnvelope(event))),
              event.DebugString());
  }
}

TEST(DecodeObjectTest, NamesTheKindThatIsNotFollowed) {
  ExpectRefused(DecodeObject(InEnvelope("v1", "Secret", "x")).status(),
                "v1 Secret are not followed");
  ExpectRefused(
      DecodeObject(R"({"apiVersion":"v1","kind":"PodList"})").status(),
      "v1 PodList are not followed");
  ExpectRefused(DecodeObject(R"({"apiVersion":"x/v1","kind":"Pod"})").status(),
                "x/v1 Pod are not followed");
  ExpectRefused(DecodeObject("{}").status(), "apiVersion or kind is missing");
  ExpectRefused(DecodeObject("[]").status(), "does not begin with");
  ExpectRefused(DecodeObject(R"({"kind":"Pod")").status(), "it is broken");
  ExpectRefused(
      DecodeObject(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":x}})")
          .status(),
      "not valid JSON");
  ExpectRefused(DecodeObject(R"({"kind":"Pod","apiVersion":"v1"} {})").status(),
                "it is broken");
}

TEST(DecodeObjectTest, JsonAsTheServerWritesIt) {
  absl::StatusOr<v1::WatchEvent> event = DecodeObject(R"(
    {"kind":"Pod","apiVersion":"v1",
     "metadata":{"name":"a","namespace":"web","generateName":"a-",
       "uid":"6e0c","resourceVersion":"77","generation":3,
       "creationTimestamp":"2023-11-14T22:13:20Z","labels":{"app":"web"},
       "annotations":{"kube-router.io/pod-cidrs":"x"},
       "managedFields":[{"manager":"m","operation":"Update","time":
         "2023-11-14T22:13:20Z","fieldsV1":{"f:metadata":{".":{}}}}]},
     "spec":{"nodeName":"node-a","terminationGracePeriodSeconds":30,
       "containers":[{"name":"main","image":"image",
         "resources":{"limits":{"cpu":"100m","memory":128974848}},
         "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}]},
         {"name":"x"}],
       "initContainers":[{"name":"s","restartPolicy":"Always","ports":
         [{"name":"http","containerPort":8080,"protocol":"TCP"}]}]},
     "status":{"phase":"Running","hostIP":"192.0.2.1",
       "hostIPs":[{"ip":"192.0.2.1"}],"podIP":"10.1.0.2",
       "podIPs":[{"ip":"10.1.0.2"}],"startTime":null}})");
  EXPECT_EQ(TextOf(event), ReducedPod().DebugString());
}

TEST(DecodeObjectTest, JsonIsTakenByTheRulesOfTheServer) {
  // No namespace is not the namespace "default", as it is in files.
  ExpectRefused(
      DecodeObject(
          R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}})")
          .status(),
      "Pod a without metadata.namespace");
  ExpectRefused(DecodeObject(R"({"kind":"Pod","apiVersion":"v1",
      "metadata":{"name":"a","namespace":"web","labels":{"a":1}}})")
                    .status(),
                "Pod web/a: metadata.labels[\"a\"]: must be a string");
  const absl::StatusOr<v1::WatchEvent> event = DecodeObject(
      "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
      "\"namespace\":\"web\",\"annotations\":{\"b\":\"\xff\"}}}");
  EXPECT_EQ(TextOf(event),
            Upsert(PodBuilder("web", "a").Build()).DebugString());
}

TEST(DecodeObjectTest, NoPodIsTooLargeToBeSeenInJson) {
  std::string env = "{}";
  for (int i = 0; i < 300000; ++i) absl::StrAppend(&env, R"(,{"name":"a"})");
  const std::string deep =
      absl::StrCat(std::string(1000, '['), std::string(1000, ']'));
  const absl::StatusOr<v1::WatchEvent> event = DecodeObject(absl::StrCat(
      R"({"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"env":[)", env,
      R"(]}],"x":)", deep,
      R"(},"metadata":{"name":"a","namespace":"web","managedFields":)", deep,
      "}}"));
  EXPECT_EQ(TextOf(event),
            Upsert(PodBuilder("web", "a").Build()).DebugString());
}

TEST(DecodeObjectTest, JsonTwinsOfRandomObjectsAreEqual) {
  Random random(20);
  for (int round = 0; round < 20; ++round) {
    const Cluster cluster = RandomCluster(random, RandomClusterOptions());
    for (const k8s::Pod& pod : cluster.pods) {
      EXPECT_EQ(TextOf(DecodeObject(JsonOf(pod).dump())),
                TextOf(DecodeObject(ObjectInEnvelope(Upsert(pod)))));
    }
    for (const k8s::NetworkPolicy& policy : cluster.policies) {
      EXPECT_EQ(TextOf(DecodeObject(JsonOf(policy).dump())),
                TextOf(DecodeObject(ObjectInEnvelope(Upsert(policy)))));
    }
    for (const k8s::Namespace& ns : cluster.namespaces) {
      EXPECT_EQ(TextOf(DecodeObject(JsonOf(ns).dump())),
                TextOf(DecodeObject(ObjectInEnvelope(Upsert(ns)))));
    }
  }
}

TEST(DecodeStatusTest, ReadsProtobufAndJsonAlike) {
  const std::string protobuf = InEnvelope(
      "v1", "Status",
      absl::StrCat(
          BytesField(1, BytesField(3, "token")), BytesField(2, "Failure"),
          BytesField(3, "too old"), BytesField(4, "Expired"),
          BytesField(5, absl::StrCat(VarintField(5, 3), UnknownFields())),
          VarintField(6, 410), UnknownFields()));
  const std::string json = R"({"kind":"Status","apiVersion":"v1",
      "metadata":{"continue":"token"},"status":"Failure","message":"too old",
      "reason":"Expired","details":{"retryAfterSeconds":3,"other":1},
      "code":410})";
  absl::StatusOr<k8s::Status> status = DecodeStatus(protobuf);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->code(), 410);
  EXPECT_EQ(status->details().retry_after_seconds(), 3);
  EXPECT_EQ(status->metadata().continue_(), "token");
  absl::StatusOr<k8s::Status> twin = DecodeStatus(json);
  ASSERT_TRUE(twin.ok()) << twin.status();
  EXPECT_EQ(twin->DebugString(), status->DebugString());
}

TEST(DecodeStatusTest, RefusesAllElse) {
  ExpectRefused(DecodeStatus("").status(), "does not begin with");
  ExpectRefused(DecodeStatus("Too many requests").status(),
                "does not begin with");
  ExpectRefused(DecodeStatus(InEnvelope("v1", "Pod", "")).status(),
                "not a Status");
  ExpectRefused(DecodeStatus(InEnvelope("v1", "Status", "\x0a")).status(),
                "broken");
  ExpectRefused(DecodeStatus(R"({"kind":"Pod","apiVersion":"v1"})").status(),
                "not a Status");
  ExpectRefused(DecodeStatus("{").status(), "not valid JSON");
}

TEST(DecodeObjectTest, GarbageNeverCrashes) {
  Random random(7);
  const std::vector<std::string> seeds = {
      InEnvelope("v1", "Pod", WholePod()),
      ObjectInEnvelope(Upsert(PolicyBuilder("web", "q").Egress().Build())),
      JsonOf(
          PolicyBuilder("web", "p").Ingress({PodPeer(MatchLabels())}).Build())
          .dump()};
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seeds[round % seeds.size()];
    for (int i = random.Between(1, 8); i > 0; --i) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    const auto event = DecodeObject(bytes);
    if (!event.ok()) ++refused;
    (void)DecodeStatus(bytes);
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace netpol
