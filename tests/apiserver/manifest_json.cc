#include "tests/apiserver/manifest_json.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/manifest_writer.h"
#include "netpol/watch/manifests/document_reader.h"
#include "netpol/watch/manifests/document_tree.h"
#include "netpol/watch/manifests/tree_json.h"

namespace netpol {
namespace {

using nlohmann::json;

// What our own writer wrote is one document without fault.
json JsonOfOwn(const std::string& manifest) {
  const auto documents = JsonOfManifest(manifest);
  return documents.ok() ? documents->at(0) : json();
}

}  // namespace

absl::StatusOr<std::vector<json>> JsonOfManifest(absl::string_view text) {
  std::vector<json> objects;
  for (const Document& document : ReadDocuments(text, /*may_be_yaml=*/true)) {
    if (document.fault) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", document.fault->position.line, ", column ",
          document.fault->position.column, ": ", document.fault->message));
    }
    objects.push_back(JsonOfTree(document.tree->root()));
  }
  return objects;
}

json JsonOf(const k8s::Namespace& ns) { return JsonOfOwn(ManifestOf(ns)); }

json JsonOf(const k8s::Node& node) { return JsonOfOwn(ManifestOf(node)); }

json JsonOf(const k8s::Pod& pod) {
  k8s::Pod whole = pod;
  if (whole.spec().containers().empty()) whole.mutable_spec()->add_containers();
  int number = 0;
  for (auto* containers : {whole.mutable_spec()->mutable_containers(),
                           whole.mutable_spec()->mutable_init_containers()}) {
    for (k8s::Container& container : *containers) {
      if (container.name().empty())
        container.set_name(absl::StrCat("unnamed-", number++));
    }
  }
  return JsonOfOwn(ManifestOf(whole));
}

json JsonOf(const k8s::NetworkPolicy& policy) {
  return JsonOfOwn(ManifestOf(policy));
}

}  // namespace netpol
