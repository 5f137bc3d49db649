#include "netpol/watch/manifests/document_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using Kind = TreeNode::Kind;
using ::testing::HasSubstr;

std::vector<Document> Yaml(const std::string& text) {
  return ReadDocuments(text, /*may_be_yaml=*/true);
}
std::vector<Document> Json(const std::string& text) {
  return ReadDocuments(text, /*may_be_yaml=*/false);
}

std::string ValueOfA(const Document& document) {
  if (document.tree == nullptr) return "(fault)";
  const TreeNode* a = document.tree->root().Find("a");
  return a == nullptr ? "(none)" : a->text;
}

TEST(ReadDocumentsTest, EmptyDocumentsAreLeftOut) {
  EXPECT_TRUE(Yaml("").empty());
  EXPECT_TRUE(Yaml("# nothing\n---\n---\n\n...\n---\n# more\n").empty());
  EXPECT_TRUE(Yaml("---\n~\n").empty());
  auto documents = Yaml("---\n---\na: x\n---\n# c\n---\na: y\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(ValueOfA(documents[0]), "x");
  EXPECT_EQ(documents[1].number, 2);
  EXPECT_EQ(documents[1].tree->root().position.line, 7);
}

TEST(ReadDocumentsTest, BrokenDocumentCostsItselfOnly) {
  auto documents = Yaml("a: x\n---\na: [1\nb: }\n---\na: y\n");
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(ValueOfA(documents[0]), "x");
  ASSERT_TRUE(documents[1].fault.has_value());
  EXPECT_EQ(documents[1].fault->position.line, 4);
  EXPECT_EQ(ValueOfA(documents[2]), "y");
  EXPECT_EQ(documents[2].tree->root().position.line, 6);
}

TEST(ReadDocumentsTest, MarkerMayCarryCommentOrContent) {
  auto documents = Yaml("--- # first\na: x\n--- {a: y}\n---\t\na: z\n");
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(ValueOfA(documents[0]), "x");
  EXPECT_EQ(ValueOfA(documents[1]), "y");
  EXPECT_EQ(documents[1].tree->root().position, (Position{3, 5}));
  EXPECT_EQ(ValueOfA(documents[2]), "z");
}

TEST(ReadDocumentsTest, DashesInsideOfTextAreNoMarker) {
  auto documents = Yaml("a: |\n  x\n  ---\n  y\nb: ----\n---x: y\n");
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(ValueOfA(documents[0]), "x\n---\ny\n");
}

TEST(ReadDocumentsTest, DotsEndADocument) {
  auto documents = Yaml("a: x\n...\n---\na: y\n...\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(ValueOfA(documents[1]), "y");
}

TEST(ReadDocumentsTest, DirectivesByteOrderMarkAndCrLfAreTaken) {
  auto documents =
      Yaml("\xef\xbb\xbf%YAML 1.1\r\n---\r\na: x\r\n---\r\na: y\r\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(ValueOfA(documents[0]), "x");
  EXPECT_EQ(ValueOfA(documents[1]), "y");
}

TEST(ReadDocumentsTest, DocumentOverTheBoundCostsItselfOnly) {
  auto documents = Yaml("a: x\n---\na: " + std::string(kMaxDocumentBytes, 'x') +
                        "\n---\na: y\n");
  ASSERT_EQ(documents.size(), 3u);
  ASSERT_TRUE(documents[1].fault.has_value());
  EXPECT_THAT(documents[1].fault->message, HasSubstr("more than 1048576"));
  EXPECT_EQ(documents[1].fault->position.line, 2);
  EXPECT_EQ(ValueOfA(documents[2]), "y");
}

TEST(ReadDocumentsTest, JsonValuesMayFollowEachOther) {
  auto documents = Json("{\"a\": \"x\"}{\"a\":\n\"y\"}\n\n {\"a\": \"z\"}");
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(ValueOfA(documents[1]), "y");
  EXPECT_EQ(documents[2].tree->root().position, (Position{4, 2}));
}

TEST(ReadDocumentsTest, JsonMayBeIndentedWithTabs) {
  auto documents = Yaml("{\n\t\"a\":\t\"x\",\n\t\"b\": [\n\t\t1\n\t]\n}\n");
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(ValueOfA(documents[0]), "x");
}

TEST(ReadDocumentsTest, JsonScalarsKeepTypeAndPlace) {
  auto documents = Json(
      "{\"i\": 12,\n\"f\": 1.5,\n\"b\": true,\n\"n\": null,\n"
      "\"s\": \"\\ud83d\\ude00\\/\",\n\"z\": 7\n}");
  ASSERT_EQ(documents.size(), 1u);
  const TreeNode& root = documents[0].tree->root();
  EXPECT_EQ(root.Find("i")->integer, 12);
  EXPECT_EQ(root.Find("f")->kind, Kind::kFloat);
  EXPECT_TRUE(root.Find("b")->boolean);
  EXPECT_EQ(root.Find("n")->kind, Kind::kNull);
  EXPECT_EQ(root.Find("s")->text, "\xf0\x9f\x98\x80/");
  EXPECT_EQ(root.Find("z")->position.line, 6);
}

TEST(ReadDocumentsTest, BrokenJsonValueCostsItselfOnly) {
  auto documents = Json("{\"a\": \"x\"}\n{\n \"a\": oops\n}\n{\"a\": \"y\"}\n");
  ASSERT_EQ(documents.size(), 3u);
  ASSERT_TRUE(documents[1].fault.has_value());
  EXPECT_EQ(documents[1].fault->position.line, 3);
  EXPECT_EQ(ValueOfA(documents[2]), "y");
}

TEST(ReadDocumentsTest, JsonIsBoundedInDepthAndSize) {
  auto documents = Json(std::string(200, '[') + std::string(200, ']'));
  ASSERT_FALSE(documents.empty());
  EXPECT_THAT(documents[0].fault->message, HasSubstr("100 levels"));
  documents = Json("{\"a\": \"" + std::string(kMaxDocumentBytes, 'x') + "\"}");
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_THAT(documents[0].fault->message, HasSubstr("bytes"));
}

TEST(ReadDocumentsTest, FlowStyleYamlIsNotTakenForBrokenJson) {
  auto documents = Yaml("{a: x}\n---\n{a: y}\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(ValueOfA(documents[1]), "y");
  EXPECT_TRUE(Json("a: x\n")[0].fault.has_value());
}

}  // namespace
}  // namespace netpol
