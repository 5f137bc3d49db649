// A fresh network namespace with a kernel's sets and table to measure.
#ifndef NETPOL_TESTS_BENCH_FLOOR_FLOOR_FIXTURE_H_
#define NETPOL_TESTS_BENCH_FLOOR_FLOOR_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {

class FloorFixture : public LabFixture {
 protected:
  void SetUp() override;

  // What is in the namespace now.
  Snapshot Read();
  // The members of a set as text, in order.
  std::vector<std::string> MembersOf(const SetSpec& spec);

  std::unique_ptr<LinuxDataplane> kernel_;
};

// A set of IPv4 addresses, and some of them: 10.0.0.1 and up.
SetSpec AddressSet(absl::string_view name);
std::vector<SetMember> SomeAddresses(int count);

}  // namespace netpol

#endif  // NETPOL_TESTS_BENCH_FLOOR_FLOOR_FIXTURE_H_
