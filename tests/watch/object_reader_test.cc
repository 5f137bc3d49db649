#include "netpol/watch/manifests/object_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using Severity = SourceProblem::Severity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ManifestReading Read(const std::string& text) {
  return ReadManifestText("m.yaml", text);
}

std::vector<std::string> KeysOf(const ManifestReading& reading) {
  std::vector<std::string> keys;
  for (const ManifestObject& object : reading.objects) {
    keys.push_back(object.key.ToString());
  }
  return keys;
}

std::vector<std::string> ProblemsOf(const ManifestReading& reading) {
  std::vector<std::string> lines;
  for (const SourceProblem& problem : reading.problems) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

std::string Pod(const std::string& metadata, const std::string& rest = "") {
  return absl::StrCat("apiVersion: v1\nkind: Pod\nmetadata:\n", metadata, rest);
}

TEST(ReadManifestTextTest, PodIsReadFieldByField) {
  ManifestReading reading =
      Read(Pod("  name: web\n  namespace: shop\n  labels: {app: web, tier: }\n"
               "  creationTimestamp: null\n"
               "  deletionTimestamp: 2024-05-01T10:00:00Z\n"
               "  annotations: {a: 1}\n",
               "spec:\n"
               "  nodeName: node-a\n"
               "  hostNetwork: yes\n"
               "  tolerations: [{operator: Exists}]\n"
               "  containers:\n"
               "  - name: main\n"
               "    image: x\n"
               "    ports: [{name: http, containerPort: 8080, protocol: TCP}]\n"
               "status:\n"
               "  phase: Running\n"
               "  podIP: 10.0.0.7\n"
               "  podIPs: [{ip: 10.0.0.7}, {ip: 'fd00::7'}]\n"));
  EXPECT_THAT(reading.problems, IsEmpty());
  ASSERT_EQ(reading.objects.size(), 1u);
  const v1::WatchEvent& event = *reading.objects[0].event;
  EXPECT_EQ(event.type(), v1::WatchEvent::UPSERT);
  const k8s::Pod& pod = event.pod();
  EXPECT_EQ(pod.metadata().labels().at("app"), "web");
  EXPECT_EQ(pod.metadata().labels().at("tier"), "");
  EXPECT_FALSE(pod.metadata().has_creation_timestamp());
  EXPECT_EQ(pod.metadata().deletion_timestamp().seconds(), 1714557600);
  EXPECT_EQ(pod.spec().node_name(), "node-a");
  EXPECT_TRUE(pod.spec().host_network());
  EXPECT_EQ(pod.spec().containers(0).ports(0).container_port(), 8080);
  EXPECT_EQ(pod.status().pod_ips(1).ip(), "fd00::7");
}

TEST(ReadManifestTextTest, NodesAndNamespacesHaveNoNamespace) {
  ManifestReading reading = Read(
      "{apiVersion: v1, kind: Node, metadata: {name: a, namespace: x},"
      " spec: {podCIDR: 10.0.0.0/24, podCIDRs: [10.0.0.0/24]},"
      " status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}\n"
      "---\n{apiVersion: v1, kind: Namespace, metadata: {name: web}}\n");
  EXPECT_THAT(KeysOf(reading), ElementsAre("Node a", "Namespace web"));
  const k8s::Node& node = reading.objects[0].event->node();
  EXPECT_FALSE(node.metadata().has_namespace_());
  EXPECT_EQ(node.spec().pod_cidr(), "10.0.0.0/24");
  EXPECT_EQ(node.status().addresses(0).address(), "192.0.2.1");
}

TEST(ReadManifestTextTest, MissingNamespaceIsDefault) {
  ManifestReading reading =
      Read(Pod("  name: web\n") + "---\n" + Pod("  {name: b, namespace: }\n"));
  EXPECT_THAT(KeysOf(reading), ElementsAre("Pod default/web", "Pod default/b"));
  EXPECT_EQ(reading.objects[0].event->pod().metadata().namespace_(), "default");
}

TEST(ReadManifestTextTest, ListsMayBeNestedTypedAndBare) {
  ManifestReading reading = Read(
      "apiVersion: v1\nkind: List\nitems:\n"
      "- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n"
      "- apiVersion: v1\n  kind: List\n  items:\n"
      "  - {apiVersion: v1, kind: Pod, metadata: {name: b}}\n"
      "- apiVersion: v1\n  kind: PodList\n  items:\n"
      "  - metadata: {name: c}\n"
      "---\n"
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n"
      "- {metadata: {name: d}, spec: {podSelector: {}}}\n"
      "---\n{apiVersion: v1, kind: NamespaceList, items: }\n"
      "---\n- {apiVersion: v1, kind: Node, metadata: {name: e}}\n");
  EXPECT_THAT(reading.problems, IsEmpty());
  EXPECT_THAT(KeysOf(reading),
              ElementsAre("Pod default/a", "Pod default/b", "Pod default/c",
                          "NetworkPolicy default/d", "Node e"));
  EXPECT_EQ(reading.objects[1].position.line, 8);
}

TEST(ReadManifestTextTest, ItemOfAMixedListNeedsItsKind) {
  ManifestReading reading = Read(
      "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n"
      "- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n");
  EXPECT_THAT(KeysOf(reading), ElementsAre("Pod default/b"));
  EXPECT_THAT(ProblemsOf(reading),
              ElementsAre(HasSubstr("m.yaml:4:3: kind: missing")));
  EXPECT_TRUE(reading.has_unreadable_parts);
}

TEST(ReadManifestTextTest, OtherKindsAreSkippedWithANotice) {
  ManifestReading reading = Read(
      "{apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n"
      "{apiVersion: projectcalico.org/v3, kind: NetworkPolicy,"
      " metadata: {name: b}}\n---\n"
      "{apiVersion: v1, kind: ServiceList, items: [{metadata: {}}]}\n");
  EXPECT_THAT(reading.objects, IsEmpty());
  ASSERT_EQ(reading.problems.size(), 3u);
  for (const SourceProblem& problem : reading.problems) {
    EXPECT_EQ(problem.severity, Severity::kNotice) << problem;
  }
  EXPECT_FALSE(reading.has_unreadable_parts);
}

TEST(ReadManifestTextTest, SkippedKindIsNamedOncePerFile) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    absl::StrAppend(&text,
                    "---\n{apiVersion: v1, kind: Service, metadata: {name: s",
                    i, "}}\n");
  }
  EXPECT_THAT(ProblemsOf(Read(text)), ElementsAre(HasSubstr("m.yaml:2:1")));
}

TEST(ReadManifestTextTest, FileOfNothingButProblemsIsGivenUp) {
  std::string text;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&text, "--- x\n");
  const ManifestReading reading = Read(text + Pod("  name: a\n"));
  EXPECT_THAT(reading.objects, IsEmpty());
  EXPECT_EQ(reading.problems.size(), 1002u);
  EXPECT_THAT(reading.problems.back().message, HasSubstr("rest is not read"));
  EXPECT_TRUE(reading.has_unreadable_parts);
}

TEST(ReadManifestTextTest, OldVersionIsAnErrorThatNamesTheRightOne) {
  ManifestReading reading = Read(
      "apiVersion: extensions/v1beta1\nkind: NetworkPolicy\n"
      "metadata: {name: a}\nspec: {podSelector: {}}\n");
  EXPECT_THAT(reading.objects, IsEmpty());
  EXPECT_THAT(ProblemsOf(reading),
              ElementsAre(AllOf(HasSubstr("NetworkPolicy default/a"),
                                HasSubstr("write networking.k8s.io/v1"))));
  EXPECT_EQ(reading.problems[0].severity, Severity::kError);
  EXPECT_EQ(reading.unreadable.size(), 1u);
}

TEST(ReadManifestTextTest, NameIsRequired) {
  ManifestReading reading =
      Read(Pod("  generateName: web-\n") + "---\n" + Pod("  labels: {a: b}\n") +
           "---\n" + Pod("  name: 12\n") + "---\napiVersion: v1\nkind: Pod\n");
  EXPECT_THAT(reading.objects, IsEmpty());
  EXPECT_THAT(
      ProblemsOf(reading),
      ElementsAre(
          AllOf(HasSubstr("metadata.name"), HasSubstr("generateName")),
          AllOf(HasSubstr("m.yaml:6"), HasSubstr("missing")),
          AllOf(HasSubstr("m.yaml:14:9"), HasSubstr("must be a string")),
          HasSubstr("metadata: missing")));
  EXPECT_TRUE(reading.has_unreadable_parts);
}

TEST(ReadManifestTextTest, UnquotedValueIsNoLabel) {
  for (const char* value : {"1", "true", "yes", "off", "012", "1e3", "0x1"}) {
    ManifestReading reading = Read(Pod(absl::StrCat(
        "  name: web\n  labels:\n    app: ", value, "\n    b: c\n")));
    EXPECT_THAT(reading.objects, IsEmpty()) << value;
    ASSERT_FALSE(reading.problems.empty()) << value;
    EXPECT_EQ(reading.problems[0].severity, Severity::kError);
    EXPECT_EQ(reading.problems[0].line, 6);
    EXPECT_EQ(reading.problems[0].field, "metadata.labels[\"app\"]");
    EXPECT_EQ(reading.problems[0].object, "Pod default/web");
    EXPECT_THAT(reading.problems[0].message,
                AllOf(HasSubstr(value), HasSubstr("quotes")));
    EXPECT_THAT(reading.unreadable, ElementsAre(ManifestKey{v1::WatchEvent::POD,
                                                            "default", "web"}));
  }
}

TEST(ReadManifestTextTest, WrongTypesAreErrors) {
  for (const char* rest :
       {"spec: []\n", "spec: {nodeName: [a]}\n",
        "spec: {hostNetwork: 'true'}\n", "spec: {containers: {name: a}}\n",
        "spec: {containers: [null]}\n",
        "spec: {containers: [{ports: [{containerPort: '80'}]}]}\n",
        "spec: {containers: [{ports: [{containerPort: 8.5}]}]}\n",
        "spec: {containers: [{ports: [{containerPort: 3000000000}]}]}\n",
        "status: {podIPs: [{ip: 7}]}\n"}) {
    ManifestReading reading = Read(Pod("  name: web\n", rest));
    EXPECT_THAT(reading.objects, IsEmpty()) << rest;
    EXPECT_EQ(reading.unreadable.size(), 1u) << rest;
  }
  for (const char* line : {"labels: [a]", "labels: {yes: a}", "labels: {1: a}",
                           "deletionTimestamp: soon", "deletionTimestamp: 5"}) {
    ManifestReading reading =
        Read(Pod(absl::StrCat("  name: web\n  ", line, "\n")));
    EXPECT_EQ(reading.unreadable.size(), 1u) << line;
  }
}

TEST(ReadManifestTextTest, WholeFloatsAreIntegers) {
  ManifestReading reading =
      Read(Pod("  name: a\n",
               "spec: {containers: [{ports: [{containerPort: 1e3}]}]}\n"));
  ASSERT_EQ(reading.objects.size(), 1u);
  EXPECT_EQ(reading.objects[0]
                .event->pod()
                .spec()
                .containers(0)
                .ports(0)
                .container_port(),
            1000);
}

TEST(ReadManifestTextTest, OutsideOfPoliciesTheLastOfARepeatedFieldCounts) {
  ManifestReading reading = Read(
      Pod("  name: web\n  labels: {a: '1', b: '1'}\n  labels: {a: v, a: w}\n"));
  EXPECT_THAT(reading.problems, IsEmpty());
  ASSERT_EQ(reading.objects.size(), 1u);
  const auto& labels = reading.objects[0].event->pod().metadata().labels();
  EXPECT_EQ(labels.size(), 1u);
  EXPECT_EQ(labels.at("a"), "w");
}

TEST(ReadManifestTextTest, BrokenDocumentIsReportedWithItsNumberAndLine) {
  ManifestReading reading = Read(Pod("  name: a\n") + "---\nkind: [\n---\n" +
                                 Pod("  name: b\n") + "---\njust text\n");
  EXPECT_THAT(KeysOf(reading), ElementsAre("Pod default/a", "Pod default/b"));
  EXPECT_THAT(
      ProblemsOf(reading),
      ElementsAre(AllOf(HasSubstr("m.yaml:"), HasSubstr("document 2")),
                  AllOf(HasSubstr("m.yaml:13:1"), HasSubstr("must be a map"))));
  EXPECT_TRUE(reading.has_unreadable_parts);
}

TEST(ReadManifestTextTest, JsonObjectsMayFollowEachOther) {
  ManifestReading reading = ReadManifestText(
      "m.json",
      "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n"
      "\t\"metadata\": {\"name\": \"a\", \"labels\": {\"n\": 1}}\n}\n"
      "{\"apiVersion\": \"v1\", \"kind\": \"Pod\","
      " \"metadata\": {\"name\": \"b\"}}");
  EXPECT_THAT(KeysOf(reading), ElementsAre("Pod default/b"));
  ASSERT_FALSE(reading.problems.empty());
  EXPECT_EQ(reading.problems[0].line, 4);
}

}  // namespace
}  // namespace netpol
