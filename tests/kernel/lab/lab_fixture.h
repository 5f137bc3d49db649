// What every test of the real kernel begins with.
#ifndef NETPOL_TESTS_KERNEL_LAB_LAB_FIXTURE_H_
#define NETPOL_TESTS_KERNEL_LAB_LAB_FIXTURE_H_

#include <string>

#include "gtest/gtest.h"

namespace netpol {

// Skips where namespaces may not be made. Gives the test, and the programs that
// it starts, an xtables lock of their own: the host's is for the host's tables.
//
// A SetUp() of one's own calls this one first and returns if IsSkipped().
class LabFixture : public testing::Test {
 protected:
  void SetUp() override;

  // The file of the lock.
  static std::string XtablesLockPath();
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LAB_FIXTURE_H_
