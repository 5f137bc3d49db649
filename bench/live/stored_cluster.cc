#include "bench/live/stored_cluster.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/workload.h"
#include "nlohmann/json.hpp"
#include "proto/k8s/wire.pb.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

using nlohmann::json;

// etcd's own limit of operations in one transaction.
constexpr int kPutsAtOnce = 128;

// A pod as a Deployment makes them.
constexpr char kTemplate[] = R"(
apiVersion: v1
kind: Pod
metadata:
  name: template
  namespace: default
  generateName: template-
  annotations:
    checksum/config: 0c1f3f0c9b1d1c7b7c5a5fbbd8cf2b9d7a1a2a65a06d3d5f7e9d0f5a9b1c2d3e
    prometheus.io/scrape: "true"
  labels: {pod-template-hash: 6d4b75cb6d}
  ownerReferences:
    - {apiVersion: apps/v1, kind: ReplicaSet, name: template-6d4b75cb6d,
       uid: 2b1fdd16-95c2-4a6e-8a0c-6d9f0f2f4b11, controller: true}
spec:
  nodeName: node-1
  serviceAccountName: default
  priorityClassName: ""
  tolerations:
    - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute,
       tolerationSeconds: 300}
    - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute,
       tolerationSeconds: 300}
  volumes:
    - {name: config, configMap: {name: template-config}}
    - {name: data, emptyDir: {}}
    - name: kube-api-access
      projected:
        sources:
          - {serviceAccountToken: {expirationSeconds: 3607, path: token}}
          - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
  containers:
    - name: main
      image: images.example/team/application:1.2.3
      args: [--listen=:8080, --log-level=info, --config=/etc/config/app.yaml]
      env:
        - {name: DATABASE_URL, value: "postgres://database.default.svc:5432/app"}
        - {name: CACHE_URL, value: "redis://cache.default.svc:6379/0"}
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]
      livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 10}
      readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 5}
      resources:
        requests: {cpu: 100m, memory: 128Mi}
        limits: {memory: 256Mi}
      volumeMounts:
        - {name: config, mountPath: /etc/config}
        - {name: data, mountPath: /var/lib/app}
    - name: proxy
      image: images.example/mesh/proxy:4.5.6
      env: [{name: MODE, value: sidecar}]
      ports: [{name: proxy, containerPort: 15001}]
      resources: {requests: {cpu: 10m, memory: 40Mi}}
status:
  phase: Running
  qosClass: Burstable
  startTime: "2026-01-01T00:00:00Z"
  conditions:
    - {type: Initialized, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z"}
    - {type: Ready, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"}
    - {type: ContainersReady, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"}
    - {type: PodScheduled, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z"}
  containerStatuses:
    - name: main
      ready: true
      restartCount: 0
      image: images.example/team/application:1.2.3
      imageID: images.example/team/application@sha256:0f4c2f9e5b7a1c6d8e3b2a4f6d8c0e1f2a3b4c5d6e7f8091a2b3c4d5e6f70819
      containerID: containerd://a1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff00
      state: {running: {startedAt: "2026-01-01T00:00:01Z"}}
    - name: proxy
      ready: true
      restartCount: 0
      image: images.example/mesh/proxy:4.5.6
      imageID: images.example/mesh/proxy@sha256:1f4c2f9e5b7a1c6d8e3b2a4f6d8c0e1f2a3b4c5d6e7f8091a2b3c4d5e6f70819
      containerID: containerd://b1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff00
      state: {running: {startedAt: "2026-01-01T00:00:01Z"}}
)";

std::string Magic() { return std::string("k8s\0", 4); }

// Writes in large transactions.
class Store {
 public:
  explicit Store(ControlPlane& control_plane) : control_plane_(control_plane) {}

  absl::Status Put(const std::string& key, absl::string_view api_version,
                   absl::string_view kind, const std::string& raw) {
    k8s::Unknown envelope;
    envelope.mutable_type_meta()->set_api_version(std::string(api_version));
    envelope.mutable_type_meta()->set_kind(std::string(kind));
    envelope.set_raw(raw);
    const std::string value = Magic() + envelope.SerializeAsString();
    absl::StrAppend(&puts_, puts_.empty() ? "" : ",",
                    "{\"requestPut\":{\"key\":\"", absl::Base64Escape(key),
                    "\",\"value\":\"", absl::Base64Escape(value), "\"}}");
    return ++count_ < kPutsAtOnce ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    if (count_ == 0) return absl::OkStatus();
    count_ = 0;
    return control_plane_
        .AskEtcd("/v3/kv/txn",
                 absl::StrCat("{\"success\":[", std::exchange(puts_, ""), "]}"))
        .status();
  }

  // What the server itself stored under `key`, without its envelope.
  absl::StatusOr<std::string> Raw(const std::string& key) {
    const json request = {{"key", absl::Base64Escape(key)}};
    ASSIGN_OR_RETURN(const std::string answer,
                     control_plane_.AskEtcd("/v3/kv/range", request.dump()));
    const json parsed = json::parse(answer, nullptr, false);
    const auto value = json::json_pointer("/kvs/0/value");
    std::string bytes;
    k8s::Unknown envelope;
    if (!parsed.contains(value) ||
        !absl::Base64Unescape(parsed[value].get<std::string>(), &bytes) ||
        bytes.substr(0, 4) != Magic() ||
        !envelope.ParseFromString(bytes.substr(4))) {
      return absl::InternalError(absl::StrCat(key, " is not as expected"));
    }
    return envelope.raw();
  }

 private:
  ControlPlane& control_plane_;
  std::string puts_;
  int count_ = 0;
};

void Complete(k8s::ObjectMeta& meta) {
  const size_t hash = std::hash<std::string>()(
      absl::StrCat(meta.namespace_(), "/", meta.name()));
  meta.set_uid(
      absl::StrFormat("00000000-0000-4000-8000-%012x", hash & 0xffffffffffff));
  if (!meta.has_creation_timestamp())
    meta.mutable_creation_timestamp()->set_seconds(1767225600);
}

// `pod` with everything that the template has and netpol does not read.
std::string StoredPod(const k8s::Pod& pod, const k8s::Pod& stored) {
  k8s::Pod whole = stored;
  whole.mutable_metadata()->clear_name();
  whole.mutable_metadata()->clear_namespace_();
  whole.mutable_status()->clear_pod_ip();
  whole.mutable_status()->clear_pod_ips();
  whole.mutable_metadata()->MergeFrom(pod.metadata());
  whole.mutable_spec()->set_node_name(pod.spec().node_name());
  whole.mutable_spec()->set_host_network(pod.spec().host_network());
  whole.mutable_status()->MergeFrom(pod.status());
  whole.mutable_status()->set_phase("Running");
  if (whole.status().pod_ips_size() > 0)
    whole.mutable_status()->set_pod_ip(whole.status().pod_ips(0).ip());
  Complete(*whole.mutable_metadata());
  return whole.SerializeAsString();
}

absl::Status StoreEvent(const v1::WatchEvent& event, const k8s::Pod& stored,
                        Store& store) {
  if (event.has_pod()) {
    const k8s::ObjectMeta& meta = event.pod().metadata();
    return store.Put(
        absl::StrCat("/registry/pods/", meta.namespace_(), "/", meta.name()),
        "v1", "Pod", StoredPod(event.pod(), stored));
  }
  if (event.has_namespace_()) {
    k8s::Namespace ns = event.namespace_();
    (*ns.mutable_metadata()->mutable_labels())["kubernetes.io/metadata.name"] =
        ns.metadata().name();
    Complete(*ns.mutable_metadata());
    return store.Put(
        absl::StrCat("/registry/namespaces/", ns.metadata().name()), "v1",
        "Namespace", ns.SerializeAsString());
  }
  if (event.has_node()) {
    k8s::Node node = event.node();
    Complete(*node.mutable_metadata());
    return store.Put(absl::StrCat("/registry/minions/", node.metadata().name()),
                     "v1", "Node", node.SerializeAsString());
  }
  if (event.has_network_policy()) {
    k8s::NetworkPolicy policy = event.network_policy();
    Complete(*policy.mutable_metadata());
    return store.Put(absl::StrCat("/registry/networkpolicies/",
                                  policy.metadata().namespace_(), "/",
                                  policy.metadata().name()),
                     "networking.k8s.io/v1", "NetworkPolicy",
                     policy.SerializeAsString());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreWorkload(const WorkloadShape& shape, uint64_t seed,
                           ControlPlane& control_plane) {
  ASSIGN_OR_RETURN(const std::vector<json> manifest, JsonOfManifest(kTemplate));
  ApiWriter writer(control_plane.AdminAccess());
  RETURN_IF_ERROR(writer.Create(manifest.at(0)));
  Store store(control_plane);
  ASSIGN_OR_RETURN(const std::string raw,
                   store.Raw("/registry/pods/default/template"));
  k8s::Pod stored;
  if (!stored.ParseFromString(raw))
    return absl::InternalError("the stored pod is not as expected");
  RETURN_IF_ERROR(writer.Delete(manifest.at(0)));
  absl::Status status;
  VisitWorkload(shape, seed, [&](const v1::WatchEvent& event) {
    if (status.ok()) status = StoreEvent(event, stored, store);
  });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(store.Flush());
  return control_plane.RestartServer();
}

}  // namespace netpol
