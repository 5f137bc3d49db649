#include "bench/live/followed_server.h"

#include <string>

#include "netpol/testing/workload_shape.h"

namespace netpol {

KubeSourceOptions SourceOf(const ControlPlane& server) {
  KubeSourceOptions options;
  options.server.server = server.url();
  options.server.origin = "this benchmark";
  options.server.certificate_authority.text = server.ca_pem();
  options.server.token = server.AdminAccess().token;
  options.server.no_proxy = true;
  options.node_name = std::string(kWorkloadNode);
  options.program = "netpol-benchmark/1";
  return options;
}

}  // namespace netpol
