#include "tests/demo/reach_table.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr ScreenStyle kPlain = {.utf8 = false, .colour = false};

// Two senders, two targets.
class ReachTableTest : public testing::Test {
 protected:
  ReachTableTest() {
    for (const char* name : {"shop/web", "shop/db"}) {
      Host host;
      host.name = name;
      scene_.senders.push_back(host);
      scene_.targets.push_back({host, name, "80", 6, 80});
    }
    for (const Family family : kFamilies) {
      verdicts_[{"shop/web", 1, family}] = ProbeOutcome::kAllowed;
      verdicts_[{"shop/db", 0, family}] = ProbeOutcome::kRejected;
    }
  }

  Scene scene_;
  Verdicts verdicts_;
};

TEST_F(ReachTableTest, PathsThatWereNotMeasuredAreEmptyCells) {
  EXPECT_EQ(FormatTable(scene_, verdicts_, nullptr, kPlain),
            "\n"
            "      to:                   shop/web shop/db\n"
            "      from:                 80       80\n"
            "      shop/web                        +\n"
            "      shop/db                x\n"
            "      IPv6: the same, in all 2 cells\n");
}

TEST_F(ReachTableTest, ChangedAndNewCellsStandInBrackets) {
  Verdicts before = verdicts_;
  before[{"shop/web", 1, Family::kIPv4}] = ProbeOutcome::kDropped;
  const std::string table = FormatTable(scene_, verdicts_, &before, kPlain);
  EXPECT_THAT(table, AllOf(HasSubstr("[+]"), Not(HasSubstr("[x]"))));
  before.clear();
  EXPECT_THAT(FormatTable(scene_, verdicts_, &before, kPlain),
              AllOf(HasSubstr("[+]"), HasSubstr("[x]")));
}

TEST_F(ReachTableTest, FamiliesThatDisagreeAreCounted) {
  verdicts_[{"shop/db", 0, Family::kIPv6}] = ProbeOutcome::kDropped;
  EXPECT_THAT(FormatTable(scene_, verdicts_, nullptr, kPlain),
              HasSubstr("IPv6: not the same in 1 of 2 cells"));
}

TEST_F(ReachTableTest, SignsAreUtf8AndColouredWhereTheScreenCan) {
  const std::string table =
      FormatTable(scene_, verdicts_, nullptr, {.utf8 = true, .colour = true});
  EXPECT_THAT(table, AllOf(HasSubstr("\033[32m✓\033[0m"),
                           HasSubstr("\033[31m✗\033[0m")));
}

}  // namespace
}  // namespace netpol
