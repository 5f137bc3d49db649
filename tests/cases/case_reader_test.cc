#include "tests/cases/case_reader.h"

#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

constexpr char kCheck[] =
    "{from: a/x, to: 203.0.113.1, protocol: UDP, port: 53, verdict: deny}";

std::string Plain(const std::string& check) {
  return absl::StrCat("case: C1\nchecks:\n- ", check, "\n");
}

absl::Status Refusal(const std::string& text) {
  return ParseCase(text, "f").status();
}

TEST(CaseReaderTest, ChecksOutsideOfStepsHoldForTheManifests) {
  const absl::StatusOr<Case> read = ParseCase(Plain(kCheck), "data/C1");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->id, "C1");
  ASSERT_EQ(read->steps.size(), 1u);
  EXPECT_EQ(read->steps[0].manifests, "data/C1/manifests.yaml");
  ASSERT_EQ(read->steps[0].checks.size(), 1u);
  const CaseCheck& check = read->steps[0].checks[0];
  EXPECT_EQ(check.from, "a/x");
  EXPECT_EQ(check.to, "203.0.113.1");
  EXPECT_EQ(check.protocol, IPPROTO_UDP);
  EXPECT_EQ(check.port, 53);
  EXPECT_FALSE(check.allowed);
}

TEST(CaseReaderTest, AStepMayApplyDeleteAndCheck) {
  const absl::StatusOr<Case> read =
      ParseCase(absl::StrCat("case: C1\nsteps:\n"
                             "- {step: 1, apply: step-1.yaml, checks: []}\n"
                             "- step: 2\n"
                             "  delete: [Pod/a/x, NetworkPolicy/a/p]\n"
                             "  checks: [",
                             kCheck, "]\n"),
                "f");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->steps.size(), 2u);
  EXPECT_EQ(read->steps[0].manifests, "f/step-1.yaml");
  EXPECT_TRUE(read->steps[0].checks.empty());
  EXPECT_EQ(read->steps[1].number, 2);
  EXPECT_EQ(read->steps[1].manifests, "");
  ASSERT_EQ(read->steps[1].deletes.size(), 2u);
  const v1::WatchEvent& pod = read->steps[1].deletes[0];
  EXPECT_EQ(pod.type(), v1::WatchEvent::DELETE);
  EXPECT_EQ(pod.pod().metadata().namespace_(), "a");
  EXPECT_EQ(pod.pod().metadata().name(), "x");
  EXPECT_EQ(read->steps[1].deletes[1].network_policy().metadata().name(), "p");
  EXPECT_EQ(read->steps[1].checks.size(), 1u);
}

TEST(CaseReaderTest, WhatWouldCheckNothingIsRefused) {
  EXPECT_FALSE(Refusal("case: C1\nchecks: []\n").ok());
  EXPECT_FALSE(Refusal("case: C1\nsteps:\n- {step: 1, apply: s.yaml}\n").ok());
}

TEST(CaseReaderTest, WhatIsNotUnderstoodIsRefused) {
  ASSERT_TRUE(Refusal(Plain(kCheck)).ok());
  EXPECT_FALSE(Refusal("case: [").ok());
  EXPECT_FALSE(Refusal("- C1").ok());
  EXPECT_FALSE(Refusal(Plain("{from: a/x}")).ok());
  EXPECT_FALSE(Refusal(absl::StrCat(Plain(kCheck), "inject: x\n")).ok());
  EXPECT_FALSE(Refusal(absl::StrCat(Plain(kCheck), "steps: []\n")).ok());
  const std::string ends = "{from: a/x, to: a/y, ";
  for (const char* rest :
       {"protocol: ICMP, port: 1, verdict: deny}",
        "protocol: TCP, port: 0, verdict: deny}",
        "protocol: TCP, port: 65536, verdict: deny}",
        "protocol: TCP, port: http, verdict: deny}",
        "protocol: TCP, port: 1, verdict: maybe}",
        "protocol: TCP, port: 1, verdict: deny, via: a/z}"}) {
    EXPECT_FALSE(Refusal(Plain(ends + rest)).ok()) << rest;
  }
  EXPECT_FALSE(Refusal(absl::StrCat("case: C1\nsteps:\n- step: 1\n"
                                    "  delete: [Node/a]\n  checks: [",
                                    kCheck, "]\n"))
                   .ok());
}

TEST(CaseReaderTest, AFolderWithoutExpectationsIsNotFound) {
  EXPECT_EQ(ReadCase(testing::TempDir() + "/no-such-case").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace netpol
