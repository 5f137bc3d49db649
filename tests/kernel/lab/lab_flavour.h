// Which of the two kinds of tables a test program is about.
#ifndef NETPOL_TESTS_KERNEL_LAB_LAB_FLAVOUR_H_
#define NETPOL_TESTS_KERNEL_LAB_LAB_FLAVOUR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/linux_dataplane.h"

namespace netpol {

// By NETPOL_TEST_FLAVOUR, "legacy" or "nft"; legacy without it. Any other word
// fails the test that asks.
Flavour LabFlavour();

// The calling thread's kernel, in LabFlavour() whatever `options` say.
absl::StatusOr<std::unique_ptr<LinuxDataplane>> OpenLabKernel(
    LinuxDataplaneOptions options = {});

// The program of LabFlavour() for "iptables", "ip6tables", "iptables-save",
// "ip6tables-restore" and so on: "iptables-legacy", "ip6tables-nft-restore".
std::string LabTool(absl::string_view tool);
// `tool` begins with "iptables"; that of the family.
std::string LabTool(Family family, absl::string_view tool);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LAB_FLAVOUR_H_
