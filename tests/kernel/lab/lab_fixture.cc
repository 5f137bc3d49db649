#include "tests/kernel/lab/lab_fixture.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

void LabFixture::SetUp() {
  if (!MayMakeNamespaces())
    GTEST_SKIP() << "needs root: makes network namespaces";
  setenv("XTABLES_LOCKFILE", XtablesLockPath().c_str(), 1);
}

std::string LabFixture::XtablesLockPath() {
  return absl::StrCat(testing::TempDir(), "/xtables.lock.", getpid());
}

}  // namespace netpol
