#include "tests/explain/shop_cluster.h"

namespace netpol {

ShopCluster::ShopCluster(absl::string_view web_node,
                         absl::string_view web_address,
                         const std::vector<k8s::NetworkPolicyPort>& ports) {
  Add(PodBuilder("shop", "web")
          .On(web_node)
          .Ip(web_address)
          .Label("app", "web"));
  Add(PodBuilder("shop", "db").On(kName).Ip("10.0.0.2").Label("app", "db"));
  Add(PolicyBuilder("shop", "db-in")
          .Selects({{"app", "db"}})
          .Ingress({PodPeer(MatchLabels({{"app", "web"}}))}, ports));
}

}  // namespace netpol
