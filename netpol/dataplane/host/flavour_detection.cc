// Placeholder until the real one is written (helper nftchannel replaces it).
#include "netpol/dataplane/host/flavour_detection.h"

namespace netpol {

FlavourChoice DetectFlavour(const std::vector<Family>&) {
  FlavourChoice choice;
  choice.reason = "placeholder";
  return choice;
}

}  // namespace netpol
