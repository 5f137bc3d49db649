#include "tests/kernel/lab/lab_flavour.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace netpol {

Flavour LabFlavour() {
  const char* word = std::getenv("NETPOL_TEST_FLAVOUR");
  if (word == nullptr) return Flavour::kLegacy;
  for (const Flavour flavour : kFlavours) {
    if (FlavourName(flavour) == word) return flavour;
  }
  ADD_FAILURE() << "NETPOL_TEST_FLAVOUR is \"" << word
                << "\"; it is to be legacy or nft";
  return Flavour::kLegacy;
}

absl::StatusOr<std::unique_ptr<LinuxDataplane>> OpenLabKernel(
    LinuxDataplaneOptions options) {
  options.flavour = LabFlavour();
  return LinuxDataplane::Create(options);
}

std::string LabTool(absl::string_view tool) {
  const size_t end = tool.find('-');
  const absl::string_view rest =
      end == absl::string_view::npos ? "" : tool.substr(end);
  return absl::StrCat(tool.substr(0, end), "-", FlavourName(LabFlavour()),
                      rest);
}

std::string LabTool(Family family, absl::string_view tool) {
  const std::string name = LabTool(tool);
  return family == Family::kIPv4 ? name : absl::StrCat("ip6", name.substr(2));
}

}  // namespace netpol
