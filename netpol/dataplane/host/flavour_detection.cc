#include "netpol/dataplane/host/flavour_detection.h"

#include "netpol/dataplane/host/flavour_traces.h"

namespace netpol {

FlavourChoice DetectFlavour(const std::vector<Family>& families) {
  return ChooseFlavour(ReadLegacyTraces(families), ReadNftTraces(families),
                       ReadProgramFlavour);
}

}  // namespace netpol
