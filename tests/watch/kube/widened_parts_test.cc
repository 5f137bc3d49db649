// What becomes of a policy that says something newer than this program, through
// the decoder.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/watch/kube/object_decoder.h"
#include "tests/watch/kube/wire_bodies.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

constexpr auto kPolicy = v1::WatchEvent::NETWORK_POLICY;

// A policy with `rule` as its only ingress rule.
std::string PolicyWithRule(absl::string_view rule) {
  const std::string metadata =
      absl::StrCat(BytesField(1, "p"), BytesField(3, "web"));
  return absl::StrCat(
      BytesField(1, metadata),
      BytesField(2, absl::StrCat(BytesField(1, ""), BytesField(2, rule),
                                 BytesField(4, "Ingress"))));
}

k8s::NetworkPolicySpec SpecWithRule(absl::string_view rule) {
  const auto event = DecodeItem(kPolicy, PolicyWithRule(rule));
  EXPECT_TRUE(event.ok()) << event.status();
  return event.ok() ? event->network_policy().spec() : k8s::NetworkPolicySpec();
}

TEST(WidenedPartsTest, PartsOfAPolicyThatAreOnlyUnknownAllowNothing) {
  // A rule that allows everything, and one that a newer server narrows.
  EXPECT_EQ(SpecWithRule("").ingress_size(), 1);
  EXPECT_EQ(SpecWithRule(UnknownFields()).ingress_size(), 0);

  const std::string port = BytesField(1, UnknownFields());
  EXPECT_EQ(SpecWithRule(port).ingress(0).ports(0).protocol(), "INVALID");
  EXPECT_EQ(SpecWithRule(BytesField(1, "")).ingress(0).ports(0).protocol(), "");

  const std::string selector = BytesField(1, UnknownFields());
  const k8s::NetworkPolicyPeer peer =
      SpecWithRule(BytesField(2, selector)).ingress(0).from(0);
  EXPECT_EQ(peer.ByteSizeLong(), 0u);
  const std::string empty = BytesField(1, "");
  EXPECT_TRUE(
      SpecWithRule(BytesField(2, empty)).ingress(0).from(0).has_pod_selector());
}

TEST(WidenedPartsTest, UnknownFieldsOfAPolicyBesideKnownOnesAreDropped) {
  const std::string port = absl::StrCat(BytesField(1, "UDP"), UnknownFields());
  const std::string peer = absl::StrCat(BytesField(1, ""), UnknownFields());
  const k8s::NetworkPolicySpec spec = SpecWithRule(
      absl::StrCat(BytesField(1, port), BytesField(2, peer), UnknownFields()));
  EXPECT_EQ(spec.DebugString(),
            PolicyBuilder("web", "p")
                .Selects(MatchLabels())
                .Types({"Ingress"})
                .Ingress({PodPeer(MatchLabels())}, {ProtocolPort("UDP")})
                .Build()
                .spec()
                .DebugString());
}

TEST(WidenedPartsTest, PolicyWhoseSubjectIsUnknownIsRefused) {
  const std::string metadata =
      absl::StrCat(BytesField(1, "p"), BytesField(3, "web"));
  const std::string policy = absl::StrCat(
      BytesField(1, metadata), BytesField(2, BytesField(1, UnknownFields())));
  const absl::Status status = DecodeItem(kPolicy, policy).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.ToString(),
              HasSubstr("NetworkPolicy web/p: spec.podSelector"));
}

k8s::NetworkPolicySpec JsonSpecWithRule(const std::string& rule) {
  const auto event = DecodeObject(absl::StrCat(
      R"({"kind":"NetworkPolicy","apiVersion":"networking.k8s.io/v1",
          "metadata":{"name":"p","namespace":"web"},
          "spec":{"podSelector":{},"policyTypes":["Ingress"],"later":1,
          "ingress":[)",
      rule, "]}}"));
  EXPECT_TRUE(event.ok()) << event.status();
  return event.ok() ? event->network_policy().spec() : k8s::NetworkPolicySpec();
}

TEST(WidenedPartsTest, JsonAndProtobufTreatUnknownPartsAlike) {
  const std::string unknown = R"({"later":{"a":[]}})";
  const std::vector<std::pair<std::string, std::string>> twins = {
      {"{}", ""},
      {unknown, UnknownFields()},
      {R"({"later":null})", ""},
      {absl::StrCat(R"({"ports":[)", unknown, "]}"),
       BytesField(1, UnknownFields())},
      {absl::StrCat(R"({"from":[)", unknown, "]}"),
       BytesField(2, UnknownFields())},
      {absl::StrCat(R"({"from":[{"podSelector":)", unknown, "}]}"),
       BytesField(2, BytesField(1, UnknownFields()))},
      {R"({"from":[{"podSelector":{},"later":{}}],"later":1})",
       absl::StrCat(
           BytesField(2, absl::StrCat(BytesField(1, ""), UnknownFields())),
           UnknownFields())},
  };
  for (const auto& [json, protobuf] : twins) {
    EXPECT_EQ(JsonSpecWithRule(json).DebugString(),
              SpecWithRule(protobuf).DebugString())
        << json;
  }
}

}  // namespace
}  // namespace netpol
