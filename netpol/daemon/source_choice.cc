#include "netpol/daemon/source_choice.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/version.h"
#include "netpol/watch/kube/kube_source.h"
#include "netpol/watch/manifests/manifest_source.h"

namespace netpol {

absl::StatusOr<ChosenSource> OpenSource(const Flags& flags,
                                        const std::string& node_name,
                                        const EnvironmentLookup& environment) {
  ChosenSource chosen;
  if (!flags.manifests.empty()) {
    ASSIGN_OR_RETURN(chosen.source, ManifestSource::Create(flags.manifests));
    chosen.name =
        absl::StrCat("manifests in ", absl::StrJoin(flags.manifests, ", "));
    return chosen;
  }
  KubeSourceOptions options;
  ASSIGN_OR_RETURN(options.server, ChooseApiServer(flags.kubeconfig,
                                                   flags.master, environment));
  options.node_name = node_name;
  options.program = absl::StrCat("netpolctl/", kNetpolVersion);
  chosen.name = absl::StrCat("API server ", options.server.server, " (",
                             options.server.origin, ")");
  chosen.is_api_server = true;
  ASSIGN_OR_RETURN(chosen.source, KubeSource::Create(std::move(options)));
  return chosen;
}

}  // namespace netpol
