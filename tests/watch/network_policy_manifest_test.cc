// That no mistake in a policy's manifest allows more than its author wrote.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "netpol/watch/manifests/object_reader.h"

namespace netpol {
namespace {

using Severity = SourceProblem::Severity;
using ::testing::HasSubstr;

constexpr char kNoPeer[] = "from {}";
constexpr char kNoPort[] = "ports { protocol: 'INVALID' }";

// `spec` in flow style.
ManifestReading Read(const std::string& spec) {
  return ReadManifestText(
      "p.yaml", absl::StrCat("apiVersion: networking.k8s.io/v1\n"
                             "kind: NetworkPolicy\nmetadata: {name: p}\nspec: ",
                             spec, "\n"));
}

// The spec that was read; its text form if it is not `expected`.
void ExpectSpec(const std::string& spec, const std::string& expected) {
  const ManifestReading reading = Read(spec);
  ASSERT_EQ(reading.objects.size(), 1u) << spec;
  k8s::NetworkPolicySpec want;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(expected, &want));
  const auto& got = reading.objects[0].event->network_policy().spec();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(got, want))
      << spec << "\ngives\n"
      << got.DebugString();
}

// `rule` as the only ingress rule gives `expected`, with a problem of
// `severity` at `field`.
void ExpectRule(const std::string& rule, const std::string& expected,
                Severity severity, const std::string& field) {
  const std::string spec =
      absl::StrCat("{podSelector: {}, ingress: [", rule, "]}");
  ExpectSpec(spec, absl::StrCat("pod_selector {} ", expected,
                                " policy_types: 'Ingress'"));
  const ManifestReading reading = Read(spec);
  ASSERT_FALSE(reading.problems.empty()) << rule;
  EXPECT_EQ(reading.problems[0].severity, severity) << rule;
  EXPECT_EQ(reading.problems[0].field, field) << rule;
  EXPECT_EQ(reading.problems[0].line, 4);
  EXPECT_EQ(reading.problems[0].object, "NetworkPolicy default/p");
}

TEST(NetworkPolicyManifestTest, WellFormedPolicyIsReadAsItIs) {
  ExpectSpec(
      "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress],\n"
      " ingress: [{from: [{podSelector: {}, namespaceSelector: {matchLabels:"
      " {a: b}}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}},"
      " {podSelector: {matchExpressions: [{key: k, operator: In,"
      " values: [v, w]}]}}],"
      " ports: [{port: 80, endPort: 90}, {protocol: UDP, port: dns}, {}]}]}",
      "pod_selector { match_labels { key: 'app' value: 'web' } }"
      "policy_types: 'Ingress'"
      "ingress {"
      "  from { pod_selector {} namespace_selector {"
      "    match_labels { key: 'a' value: 'b' } } }"
      "  from { ip_block { cidr: '10.0.0.0/8' except: '10.1.0.0/16' } }"
      "  from { pod_selector { match_expressions {"
      "    key: 'k' operator: 'In' values: 'v' values: 'w' } } }"
      "  ports { port { type: 0 int_val: 80 } end_port: 90 }"
      "  ports { protocol: 'UDP' port { type: 1 str_val: 'dns' } }"
      "  ports {}"
      "}");
}

TEST(NetworkPolicyManifestTest, NullIsAbsentAndBracesArePresent) {
  ExpectSpec("{podSelector: , ingress: [{from: [{podSelector: }]}]}",
             "pod_selector {} ingress { from {} } policy_types: 'Ingress'");
  ExpectSpec("{podSelector: {}, ingress: [{from: , ports: []}, {}]}",
             "pod_selector {} ingress {} ingress {} policy_types: 'Ingress'");
  ExpectSpec("{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}",
             "pod_selector {} ingress { from { namespace_selector {} } }"
             "policy_types: 'Ingress'");
}

TEST(NetworkPolicyManifestTest, PolicyTypesDefaultAsInTheApi) {
  ExpectSpec("{}", "pod_selector {} policy_types: 'Ingress'");
  ExpectSpec("", "pod_selector {} policy_types: 'Ingress'");
  ExpectSpec("{egress: }", "pod_selector {} policy_types: 'Ingress'");
  ExpectSpec("{egress: []}", "pod_selector {} policy_types: 'Ingress'");
  ExpectSpec("{policyTypes: [], egress: [{}]}",
             "pod_selector {} egress {} policy_types: 'Ingress' "
             "policy_types: 'Egress'");
  ExpectSpec("{policyTypes: [Egress]}",
             "pod_selector {} policy_types: 'Egress'");
}

TEST(NetworkPolicyManifestTest, DoubtfulPeerMatchesNothing) {
  const std::string none = absl::StrCat("ingress { ", kNoPeer, " }");
  const auto warns = [&none](const std::string& peer, const char* field) {
    ExpectRule(absl::StrCat("{from: [", peer, "]}"), none, Severity::kWarning,
               absl::StrCat("spec.ingress[0].from[0]", field));
  };
  const auto fails = [&none](const std::string& peer, const char* field) {
    ExpectRule(absl::StrCat("{from: [", peer, "]}"), none, Severity::kError,
               absl::StrCat("spec.ingress[0].from[0]", field));
  };
  warns("{podselector: {}}", ".podselector");
  warns("{podSelector: {}, namespaceSelecter: {}}", ".namespaceSelecter");
  warns("{podSelector: {matchLabel: {a: b}}}", ".podSelector.matchLabel");
  warns("{podSelector: {matchLabels: {a: b, a: c}}}",
        ".podSelector.matchLabels[\"a\"]");
  warns("{podSelector: {}, podSelector: {matchLabels: {a: b}}}",
        ".podSelector");
  warns("{ipBlock: {cidr: 0.0.0.0/0, excepts: [10.0.0.0/8]}}",
        ".ipBlock.excepts");
  fails("{podSelector: {matchLabels: {a: 1}}}",
        ".podSelector.matchLabels[\"a\"]");
  fails("{podSelector: []}", ".podSelector");
  fails("{ipBlock: 10.0.0.0/8}", ".ipBlock");
  fails("{ipBlock: {cidr: 0.0.0.0/0, except: 10.0.0.0/8}}", ".ipBlock.except");
  fails("web", "");
  fails("null", "");
}

TEST(NetworkPolicyManifestTest, DoubtfulPortMatchesNothing) {
  const std::string none = absl::StrCat("ingress { ", kNoPort, " }");
  const auto expect = [&none](const std::string& port, Severity severity,
                              const char* field) {
    ExpectRule(absl::StrCat("{ports: [", port, "]}"), none, severity,
               absl::StrCat("spec.ingress[0].ports[0]", field));
  };
  expect("{prot: 80}", Severity::kWarning, ".prot");
  expect("{port: 80, endport: 90}", Severity::kWarning, ".endport");
  expect("{port: 80, port: 81}", Severity::kWarning, ".port");
  expect("{port: true}", Severity::kError, ".port");
  expect("{port: [80]}", Severity::kError, ".port");
  expect("{port: 80.5}", Severity::kError, ".port");
  expect("{port: 80, endPort: '90'}", Severity::kError, ".endPort");
  expect("{protocol: 6}", Severity::kError, ".protocol");
  expect("80", Severity::kError, "");
  expect("null", Severity::kError, "");
}

TEST(NetworkPolicyManifestTest, GoodNeighboursOfADoubtfulElementCount) {
  ExpectSpec(
      "{podSelector: {}, ingress: [{from: [{podSelector: []},"
      " {podSelector: {}}], ports: [{port: 80}, {port: []}]}, {}]}",
      "pod_selector {} ingress { from {} from { pod_selector {} }"
      " ports { port { type: 0 int_val: 80 } }"
      " ports { protocol: 'INVALID' } } ingress {} policy_types: 'Ingress'");
}

TEST(NetworkPolicyManifestTest, BrokenListMatchesNothing) {
  ExpectRule("{from: {podSelector: {}}}", "ingress { from {} }",
             Severity::kError, "spec.ingress[0].from");
  ExpectRule("{ports: 80}", absl::StrCat("ingress { ", kNoPort, " }"),
             Severity::kError, "spec.ingress[0].ports");
  ExpectRule("{from: [{podSelector: {}}], from: [{podSelector: {}}]}",
             "ingress { from {} }", Severity::kWarning, "spec.ingress[0].from");
}

TEST(NetworkPolicyManifestTest, DoubtfulRuleAllowsNothing) {
  ExpectRule("{form: [{podSelector: {}}]}", "", Severity::kWarning,
             "spec.ingress[0].form");
  ExpectRule("{to: [{podSelector: {}}]}", "", Severity::kWarning,
             "spec.ingress[0].to");
  ExpectRule("web", "", Severity::kError, "spec.ingress[0]");
  ExpectRule("null", "", Severity::kError, "spec.ingress[0]");
  ExpectRule("[{podSelector: {}}]", "", Severity::kError, "spec.ingress[0]");
}

TEST(NetworkPolicyManifestTest, BrokenEgressStillIsolatesEgress) {
  const std::string both =
      "pod_selector {} policy_types: 'Ingress' policy_types: 'Egress'";
  ExpectSpec("{podSelector: {}, egress: [web]}", both);
  ExpectSpec("{podSelector: {}, egress: [{form: []}]}", both);
  ExpectSpec("{podSelector: {}, egress: {to: []}}", both);
  ExpectSpec("{podSelector: {}, egress: [{}], egress: [{}]}", both);
  ExpectSpec("{podSelector: {}, egress: , egress: [{}]}", both);
}

TEST(NetworkPolicyManifestTest, BrokenPolicyTypesAreBoth) {
  const std::string both =
      "pod_selector {} policy_types: 'Ingress' policy_types: 'Egress'";
  ExpectSpec("{podSelector: {}, policyTypes: Egress}", both);
  ExpectSpec("{podSelector: {}, policyTypes: [Ingress, 1]}", both);
  ExpectSpec("{podSelector: {}, policyTypes: [Ingress], policyTypes: [Egress]}",
             both);
}

TEST(NetworkPolicyManifestTest, UnknownFieldOfTheSpecMayBePolicyTypes) {
  ExpectSpec("{podSelector: {}, policyType: [Egress]}",
             "pod_selector {} policy_types: 'Ingress' policy_types: 'Egress'");
  ExpectSpec("{podSelector: {}, policyTypes: [Ingress], ingres: [{}]}",
             "pod_selector {} policy_types: 'Ingress'");
  const ManifestReading reading = Read("{podSelector: {}, ingres: [{}]}");
  ASSERT_EQ(reading.problems.size(), 1u);
  EXPECT_EQ(reading.problems[0].severity, Severity::kWarning);
  EXPECT_EQ(reading.problems[0].field, "spec.ingres");
}

TEST(NetworkPolicyManifestTest, WithoutAClearSubjectThereIsNoPolicy) {
  for (const char* spec :
       {"{podSelector: web}", "{podSelector: {matchLabels: {a: 1}}}",
        "{podSelector: {matchLabel: {a: b}}}",
        "{podSelector: {matchLabels: {a: b, a: c}}}",
        "{podSelector: {}, podSelector: {matchLabels: {a: b}}}",
        "{podSelecter: {matchLabels: {a: b}}}", "[]", "web"}) {
    const ManifestReading reading = Read(spec);
    EXPECT_TRUE(reading.objects.empty()) << spec;
    ASSERT_EQ(reading.unreadable.size(), 1u) << spec;
    EXPECT_EQ(reading.unreadable[0].ToString(), "NetworkPolicy default/p");
    EXPECT_FALSE(reading.has_unreadable_parts) << spec;
    EXPECT_EQ(reading.problems.back().severity, Severity::kError) << spec;
  }
  EXPECT_TRUE(Read("{}\nspec: {}").objects.empty());
}

TEST(NetworkPolicyManifestTest, BrokenLabelsOfThePolicyCostNothing) {
  const ManifestReading reading = ReadManifestText(
      "p.yaml",
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
      "metadata: {name: p, labels: {a: 1}}\nspec: {podSelector: {}}\n");
  EXPECT_EQ(reading.objects.size(), 1u);
  ASSERT_EQ(reading.problems.size(), 1u);
  EXPECT_THAT(reading.problems[0].field, HasSubstr("labels"));
}

TEST(NetworkPolicyManifestTest, NestedLinesAreNamed) {
  const ManifestReading reading = ReadManifestText(
      "p.yaml",
      "# heading\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
      "metadata:\n  name: p\nspec:\n  podSelector: {}\n  ingress:\n"
      "  - from:\n    - podSelector:\n        matchLabels:\n"
      "          ready: yes\n");
  ASSERT_EQ(reading.problems.size(), 1u);
  EXPECT_THAT(
      reading.problems[0].ToString(),
      HasSubstr("p.yaml:13:18: NetworkPolicy default/p: "
                "spec.ingress[0].from[0].podSelector.matchLabels[\"ready\"]"));
}

}  // namespace
}  // namespace netpol
