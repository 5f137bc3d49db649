// A cluster as a manifest: two pods, and a policy between them.
#ifndef NETPOL_TESTS_DAEMON_SMALL_CLUSTER_H_
#define NETPOL_TESTS_DAEMON_SMALL_CLUSTER_H_

namespace netpol {

// web/front on node-a, which web/back of node-b may reach at TCP port 80; both
// have addresses of both families.
inline constexpr char kSmallCluster[] = R"yaml(
apiVersion: v1
kind: Namespace
metadata: {name: web}
---
apiVersion: v1
kind: Pod
metadata: {name: front, namespace: web, labels: {app: front}}
spec: {nodeName: node-a}
status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: back, namespace: web, labels: {app: back}}
spec: {nodeName: node-b}
status: {phase: Running, podIP: 10.0.1.1, podIPs: [{ip: 10.0.1.1}, {ip: "fd00:1::1"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow, namespace: web}
spec:
  podSelector: {matchLabels: {app: front}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: back}}}]
    ports: [{port: 80}]
)yaml";

}  // namespace netpol

#endif  // NETPOL_TESTS_DAEMON_SMALL_CLUSTER_H_
