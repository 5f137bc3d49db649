// Comments of rules about objects whose names are as long as the API permits
// (C095).
#include <cctype>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"

namespace netpol {
namespace {

// The comments in what iptables-save prints, unescaped.
std::vector<std::string> CommentsIn(const std::string& table) {
  std::vector<std::string> comments;
  for (std::string line : LinesWith(table, "--comment ")) {
    line.erase(0, line.find("--comment ") + 10);
    const bool quoted = line[0] == '"';
    std::string comment;
    for (size_t i = quoted ? 1 : 0; i < line.size(); ++i) {
      if (line[i] == (quoted ? '"' : ' ')) break;
      if (line[i] == '\\') ++i;
      comment += line[i];
    }
    comments.push_back(comment);
  }
  return comments;
}

// Two texts that name no object. Their quotes are part of what kube-router
// knows its rules by: without them it would add its own beside ours.
bool IsKubeRoutersOwn(const std::string& comment) {
  return comment == "\"rule to drop invalid state for pod\"" ||
         comment == "\"rule for stateful firewall for pod\"";
}

using LongNamesTest = NeighbourNodeTest;

TEST_F(LongNamesTest, CommentsFitAndAreFreeOfQuotesAndControlCharacters) {
  EnforceCase("C095");
  for (Family family : kFamilies) {
    const std::vector<std::string> comments = CommentsIn(FilterTable(family));
    EXPECT_GT(comments.size(), 10u);
    for (const std::string& comment : comments) {
      EXPECT_LE(comment.size(), 255u) << comment;
      if (IsKubeRoutersOwn(comment)) continue;
      for (const char c : comment) {
        EXPECT_FALSE(c == '"' || c == '\'' || std::iscntrl(c) != 0) << comment;
      }
    }
  }
}

TEST_F(LongNamesTest, CommentsSayWhichObjectTheyAreAbout) {
  EnforceCase("C095");
  const std::string ns = absl::StrCat("n", std::string(61, 's'), "9");
  const std::string pod = absl::StrCat(ns, "/pod-yyyyyyyy");
  const std::string policy = absl::StrCat(ns, "/policy-olicy-olicy-");
  size_t of_pod = 0, of_policy = 0;
  for (const std::string& comment : CommentsIn(FilterTable())) {
    of_pod += absl::StartsWith(comment, pod);
    of_policy += absl::StartsWith(comment, policy);
  }
  EXPECT_GE(of_pod, 2u);
  EXPECT_GE(of_policy, 1u);
}

// No name that the API takes can be longer.
TEST_F(LongNamesTest, TheLongestNamesOfAllAreEnforced) {
  StartController();
  const std::string ns(63, 'n');
  const std::string name(253, 'x');
  TellAll({Upsert(MakeNamespace(ns)),
           Upsert(PodBuilder(ns, name).On("node-a").Ip("10.42.0.9").Build()),
           Upsert(PolicyBuilder(ns, name)
                      .Types({"Ingress", "Egress"})
                      .Ingress({BlockPeer("203.0.113.0/24")},
                               {NumberPort("TCP", 80)})
                      .Build())});
  TellAll(ListingOf({}));
  Settle();
  const std::string pod = absl::StrCat(ns, "/", name);
  ExpectVerdicts({{"203.0.113.1", pod, IPPROTO_TCP, 80, true},
                  {"203.0.113.1", pod, IPPROTO_TCP, 81, false},
                  {pod, "203.0.113.1", IPPROTO_TCP, 80, false}});
  for (const std::string& comment : CommentsIn(FilterTable()))
    EXPECT_LE(comment.size(), 255u) << comment;
}

}  // namespace
}  // namespace netpol
