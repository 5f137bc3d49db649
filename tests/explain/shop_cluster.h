// Two pods and a policy between them.
#ifndef NETPOL_TESTS_EXPLAIN_SHOP_CLUSTER_H_
#define NETPOL_TESTS_EXPLAIN_SHOP_CLUSTER_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "tests/explain/told_cluster.h"

namespace netpol {

// Pod shop/web (app=web) has `web_address` and is of `web_node`; pod shop/db
// (app=db) has 10.0.0.2 and is of this node. By policy shop/db-in db takes
// `ports` from web, and nothing else.
class ShopCluster : public ToldCluster {
 public:
  ShopCluster(absl::string_view web_node, absl::string_view web_address,
              const std::vector<k8s::NetworkPolicyPort>& ports);
};

}  // namespace netpol

#endif  // NETPOL_TESTS_EXPLAIN_SHOP_CLUSTER_H_
