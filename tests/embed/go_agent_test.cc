// The Go program of tests/embed/go in a network namespace of its own.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::HasSubstr;

using GoAgentTest = LabFixture;

TEST_F(GoAgentTest, TenLivesOfAControllerInOneGoProcessLeaveOnlyTheRules) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "Go's linker does not know of the sanitizer's runtime";
#endif
  const std::string agent = absl::StrCat(testing::TempDir(), "/agent");
  const auto built = RunProgram(
      NetNs::OfCaller(),
      // Go compiles its own library the first time.
      {.argv = {"tests/embed/go/build_agent", "netpol/capi/libnetpol.so",
                "netpol/capi/netpol.h", agent},
       .limit = absl::Minutes(10)});
  ASSERT_TRUE(built.ok()) << built.status();
  ASSERT_EQ(built->exit_code, 0) << built->out << built->err;

  const absl::StatusOr<NetNs> ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  const auto ran =
      RunProgram(*ns, {.argv = {agent}, .limit = absl::Minutes(5)});
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->exit_code, 0) << ran->out << ran->err;
  EXPECT_THAT(ran->out, HasSubstr("10 cycles"));

  // In whichever flavour this machine's own iptables has.
  std::string rules;
  for (const char* save : {"iptables-legacy-save", "iptables-nft-save"}) {
    const auto saved = RunProgram(*ns, {.argv = {save}});
    ASSERT_TRUE(saved.ok()) << saved.status();
    rules += saved->out;
  }
  EXPECT_THAT(rules, HasSubstr("web/allow"));
}

}  // namespace
}  // namespace netpol
