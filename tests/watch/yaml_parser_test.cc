#include "netpol/watch/manifests/yaml_parser.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using Kind = TreeNode::Kind;
using ::testing::HasSubstr;

// The fault's message; empty if there is none.
std::string FaultOf(const std::string& text) {
  std::unique_ptr<DocumentTree> tree;
  auto fault = ParseYaml(text, 1, &tree);
  EXPECT_EQ(fault.has_value(), tree == nullptr);
  return fault.has_value() ? fault->message : "";
}

std::unique_ptr<DocumentTree> Parse(const std::string& text) {
  std::unique_ptr<DocumentTree> tree;
  auto fault = ParseYaml(text, 1, &tree);
  EXPECT_FALSE(fault.has_value()) << fault->message;
  return tree;
}

TEST(ResolvePlainScalarTest, BooleansAreThoseOfYaml11) {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "on"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kBool) << text;
    EXPECT_TRUE(ResolvePlainScalar(text).boolean) << text;
  }
  for (const char* text : {"false", "no", "NO", "off", "Off"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kBool) << text;
    EXPECT_FALSE(ResolvePlainScalar(text).boolean) << text;
  }
  for (const char* text : {"yEs", "y", "Y", "n", "N"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kString) << text;
  }
}

TEST(ResolvePlainScalarTest, NullHasFiveSpellings) {
  for (const char* text : {"", "~", "null", "Null", "NULL"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kNull) << text;
  }
  EXPECT_EQ(ResolvePlainScalar("nUll").kind, Kind::kString);
}

TEST(ResolvePlainScalarTest, IntegersMayBeOctalHexadecimalBinaryOrGrouped) {
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},
      {"089", 89},
      {"80", 80},
      {"-7", -7},
      {"+7", 7},
      {"012", 10},
      {"0o12", 10},
      {"0x1F", 31},
      {"0b101", 5},
      {"1_000", 1000},
      {"9223372036854775807", INT64_MAX}};
  for (const auto& [text, value] : cases) {
    const TreeNode node = ResolvePlainScalar(text);
    EXPECT_EQ(node.kind, Kind::kInt) << text;
    EXPECT_EQ(node.integer, value) << text;
  }
}

TEST(ResolvePlainScalarTest, OtherNumbersAreFloats) {
  for (const char* text : {"1e3", "1.5", ".5", "-1.0", ".inf", "-.INF", ".nan",
                           "9223372036854775808"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kFloat) << text;
  }
  EXPECT_EQ(ResolvePlainScalar("1e3").number, 1000);
}

TEST(ResolvePlainScalarTest, AddressesTimesAndWordsAreStrings) {
  for (const char* text :
       {"10.0.0.0/8", "10.0.0.1", "2001-01-01", "web", "-", ".", "+", "0x",
        "1a", "e3", "::1", "inf", "1:30", "_1_web"}) {
    EXPECT_EQ(ResolvePlainScalar(text).kind, Kind::kString) << text;
  }
}

TEST(ParseYamlTest, QuotedAndTaggedScalarsAreStrings) {
  auto tree = Parse("a: '1'\nb: \"yes\"\nc: !!str 3\nd: |\n  12\n");
  for (const char* key : {"a", "b", "c", "d"}) {
    EXPECT_EQ(tree->root().Find(key)->kind, Kind::kString) << key;
  }
}

TEST(ParseYamlTest, PositionsCountFromTheFirstLineOfTheFile) {
  std::unique_ptr<DocumentTree> tree;
  ASSERT_FALSE(ParseYaml("a:\n  b: c\n", 41, &tree).has_value());
  const TreeNode* value = tree->root().Find("a")->Find("b");
  EXPECT_EQ(value->position, (Position{42, 6}));
}

TEST(ParseYamlTest, FaultKnowsItsLine) {
  std::unique_ptr<DocumentTree> tree;
  auto fault = ParseYaml("a: b\n c: d\n", 10, &tree);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->position.line, 11);
}

TEST(ParseYamlTest, AliasesStandForWhatTheyName) {
  auto tree = Parse("a: &x {b: c}\nd: *x\n");
  EXPECT_EQ(tree->root().Find("d")->Find("b")->text, "c");
}

TEST(ParseYamlTest, MergedKeysGiveWayToWrittenOnes) {
  auto tree = Parse(
      "a: &a {p: '1', q: '1'}\nb: &b {q: '2', r: '2'}\n"
      "c:\n  <<: [*a, *b]\n  p: '3'\nd:\n  <<: *a\n");
  const TreeNode* c = tree->root().Find("c");
  EXPECT_EQ(c->Find("p")->text, "3");
  EXPECT_EQ(c->Find("q")->text, "1");
  EXPECT_EQ(c->Find("r")->text, "2");
  EXPECT_EQ(c->entries.size(), 3u);
  EXPECT_EQ(tree->root().Find("d")->Find("q")->text, "1");
}

TEST(ParseYamlTest, MergingAScalarIsAFault) {
  EXPECT_THAT(FaultOf("a:\n  <<: b\n"), HasSubstr("merges maps only"));
}

TEST(ParseYamlTest, AliasBombIsRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, "*a", i - 1, ", ");
    absl::StrAppend(&bomb, "x]\n");
  }
  EXPECT_THAT(FaultOf(bomb), HasSubstr("more than 200000 values"));
}

TEST(ParseYamlTest, MergeBombIsRefused) {
  std::string bomb = "a: &a\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&bomb, "  k", i, ": v\n");
  absl::StrAppend(&bomb, "b:\n");
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&bomb, "- <<: *a\n");
  EXPECT_THAT(FaultOf(bomb), HasSubstr("more than 200000 values"));
}

TEST(ParseYamlTest, AliasInsideOfItsOwnValueIsAFault) {
  EXPECT_THAT(FaultOf("a: &a [*a]\n"), HasSubstr("inside of the value"));
}

TEST(ParseYamlTest, NestingIsBounded) {
  const std::string deep(100, '[');
  EXPECT_EQ(FaultOf(deep + std::string(100, ']')), "");
  EXPECT_THAT(FaultOf("[" + deep + std::string(101, ']')),
              HasSubstr("more than 100 levels"));
  // Deeper than the parser's own bound, and never closed.
  EXPECT_NE(FaultOf(std::string(100000, '[')), "");
}

TEST(ParseYamlTest, AliasesDoNotHideNesting) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 120; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [*a", i - 1, "]\n");
  }
  EXPECT_THAT(FaultOf(text), HasSubstr("levels deep"));
}

TEST(ParseYamlTest, KeyWithoutColonIsAFault) {
  EXPECT_THAT(FaultOf("ports: []\nfrom\n"), HasSubstr("lacks its colon"));
  EXPECT_EQ(FaultOf("ports: []\nfrom:\n"), "");
  EXPECT_EQ(FaultOf("{ports: , from: [a]}\n"), "");
}

TEST(ParseYamlTest, TextAfterTheDocumentIsAFault) {
  EXPECT_THAT(FaultOf("{a: b} {c: d}\n"), HasSubstr("after the end"));
  EXPECT_NE(FaultOf("- a\nb: c\n"), "");
}

TEST(ParseYamlTest, ControlCharactersAreFaults) {
  // 0x04 ends the input for the parser below: the rest would be lost.
  EXPECT_THAT(FaultOf("a: b\n\x04 c: d\n"), HasSubstr("control character"));
  EXPECT_THAT(FaultOf(std::string("a: \0b\n", 6)),
              HasSubstr("control character"));
}

TEST(ParseYamlTest, UnknownTagIsAFault) {
  EXPECT_THAT(FaultOf("a: !secret b\n"), HasSubstr("unknown tag"));
}

TEST(ParseYamlTest, CommentsAloneGiveNoTree) {
  std::unique_ptr<DocumentTree> tree;
  EXPECT_FALSE(ParseYaml("", 1, &tree).has_value());
  EXPECT_EQ(tree, nullptr);
}

}  // namespace
}  // namespace netpol
