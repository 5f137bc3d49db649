#include "tests/kernel/conformance/truth_table.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "tests/kernel/conformance/matrix_probe.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<MatrixEnd> TwoPods() {
  std::vector<MatrixEnd> ends(2);
  ends[0].name = "x/a";
  ends[1].name = "y/b";
  for (MatrixEnd& end : ends) end.is_pod = true;
  return ends;
}

TruthCell Cell(size_t from, size_t to, uint16_t port, ProbeOutcome outcome,
               bool by_definition, bool by_hand) {
  TruthCell cell;
  cell.probe = {from,
                to,
                {*IpAddress::Parse("10.0.0.1"), *IpAddress::Parse("10.0.0.2"),
                 IPPROTO_TCP, port}};
  cell.outcome = outcome;
  cell.verdict = {by_definition, "the reason"};
  cell.by_hand = by_hand;
  return cell;
}

TEST(TruthTableTest, AllThreeMustAgree) {
  EXPECT_TRUE(Cell(0, 1, 80, ProbeOutcome::kAllowed, true, true).ok());
  EXPECT_TRUE(Cell(0, 1, 80, ProbeOutcome::kRejected, false, false).ok());
  EXPECT_FALSE(Cell(0, 1, 80, ProbeOutcome::kRejected, true, true).ok());
  EXPECT_FALSE(Cell(0, 1, 80, ProbeOutcome::kAllowed, false, true).ok());
  EXPECT_FALSE(Cell(0, 1, 80, ProbeOutcome::kAllowed, true, false).ok());
}

TEST(TruthTableTest, SilenceIsNeverRight) {
  EXPECT_FALSE(Cell(0, 1, 80, ProbeOutcome::kDropped, false, false).ok());
  EXPECT_FALSE(Cell(0, 1, 80, ProbeOutcome::kDropped, true, true).ok());
}

TEST(TruthTableTest, CountsWhatIsWrongAndWhatIsRefused) {
  TruthTable table(TwoPods());
  table.Add(Cell(0, 1, 80, ProbeOutcome::kAllowed, true, true));
  table.Add(Cell(1, 0, 80, ProbeOutcome::kRejected, false, false));
  table.Add(Cell(1, 0, 81, ProbeOutcome::kRejected, true, true));
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.wrong(), 1u);
  EXPECT_EQ(table.refused_between_pods(), 2);
}

TEST(TruthTableTest, DrawsOnlyWhereSomethingIsWrong) {
  TruthTable table(TwoPods());
  table.Add(Cell(0, 1, 80, ProbeOutcome::kAllowed, true, true));
  table.Add(Cell(1, 0, 80, ProbeOutcome::kRejected, false, false));
  table.Add(Cell(0, 1, 81, ProbeOutcome::kAllowed, true, true));
  table.Add(Cell(1, 0, 81, ProbeOutcome::kRejected, true, true));
  const std::string text = table.Explain();
  EXPECT_THAT(text, Not(HasSubstr("IPv4 TCP 80:")));
  EXPECT_THAT(text, HasSubstr("IPv4 TCP 81:\n"
                              "         x/a      y/b      \n"
                              "x/a               .        \n"
                              "y/b      !                 \n"));
  EXPECT_THAT(text, HasSubstr("y/b -> x/a (TCP 10.0.0.1 -> 10.0.0.2 port 81) "
                              "was rejected; by hand it is allowed, by the "
                              "definition allowed: the reason\n"));
  EXPECT_THAT(text, HasSubstr("1 of 4 packets are wrong"));
}

TEST(TruthTableTest, DrawsEqualTablesOnce) {
  TruthTable table(TwoPods());
  table.Add(Cell(0, 1, 80, ProbeOutcome::kDropped, true, true));
  table.Add(Cell(0, 1, 81, ProbeOutcome::kDropped, true, true));
  EXPECT_THAT(table.Explain(), HasSubstr("IPv4 TCP 80, IPv4 TCP 81:\n"));
}

}  // namespace
}  // namespace netpol
