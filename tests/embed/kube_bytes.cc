#include "tests/embed/kube_bytes.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using nlohmann::json;

// The JSON library takes no absl::string_view.
std::string S(absl::string_view text) { return std::string(text); }

// A field of protobuf that holds bytes: text, or a message.
std::string Field(uint32_t number, absl::string_view bytes) {
  std::string out;
  for (uint64_t value : {uint64_t{number << 3 | 2}, uint64_t{bytes.size()}}) {
    for (; value >= 0x80; value >>= 7)
      out += static_cast<char>((value & 0x7f) | 0x80);
    out += static_cast<char>(value);
  }
  return absl::StrCat(out, bytes);
}

}  // namespace

std::string NamespaceJson(absl::string_view name) {
  return json{{"apiVersion", "v1"},
              {"kind", "Namespace"},
              {"metadata", {{"name", S(name)}}}}
      .dump();
}

std::string PodJson(absl::string_view ns, absl::string_view name,
                    absl::string_view node, absl::string_view address) {
  return json{{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata",
               {{"namespace", S(ns)},
                {"name", S(name)},
                {"labels", {{"app", S(name)}}}}},
              {"spec", {{"nodeName", S(node)}}},
              {"status",
               {{"phase", "Running"},
                {"podIP", S(address)},
                {"podIPs", json::array({{{"ip", S(address)}}})}}}}
      .dump();
}

std::string NodeJson(absl::string_view name, bool initialized) {
  json node{{"apiVersion", "v1"},
            {"kind", "Node"},
            {"metadata", {{"name", S(name)}}},
            {"spec", {{"podCIDRs", {"10.42.0.0/24"}}}}};
  if (!initialized) {
    node["spec"]["taints"] =
        json::array({{{"key", "node.cloudprovider.kubernetes.io/uninitialized"},
                      {"value", "true"},
                      {"effect", "NoSchedule"}}});
  }
  return node.dump();
}

std::string PolicyJson(absl::string_view ns, absl::string_view name,
                       absl::string_view to, absl::string_view from) {
  const auto app = [](absl::string_view value) {
    return json{{"matchLabels", {{"app", S(value)}}}};
  };
  return json{
      {"apiVersion", "networking.k8s.io/v1"},
      {"kind", "NetworkPolicy"},
      {"metadata", {{"namespace", S(ns)}, {"name", S(name)}}},
      {"spec",
       {{"podSelector", app(to)},
        {"policyTypes", {"Ingress"}},
        {"ingress",
         json::array(
             {{{"from", json::array({{{"podSelector", app(from)}}})}}})}}}}
      .dump();
}

std::string PodProtobuf(absl::string_view ns, absl::string_view name,
                        absl::string_view node, absl::string_view address) {
  const std::string label = absl::StrCat(Field(1, "app"), Field(2, name));
  const std::string metadata =
      absl::StrCat(Field(1, name), Field(3, ns), Field(11, label));
  const std::string status = absl::StrCat(
      Field(1, "Running"), Field(6, address), Field(12, Field(1, address)));
  const std::string pod = absl::StrCat(
      Field(1, metadata), Field(2, Field(10, node)), Field(3, status));
  const std::string type = absl::StrCat(Field(1, "v1"), Field(2, "Pod"));
  return absl::StrCat(absl::string_view("k8s\0", 4), Field(1, type),
                      Field(2, pod));
}

}  // namespace netpol
