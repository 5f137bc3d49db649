// The text of a manifest file to objects of the kinds that the controller
// follows.
#ifndef NETPOL_WATCH_MANIFESTS_OBJECT_READER_H_
#define NETPOL_WATCH_MANIFESTS_OBJECT_READER_H_

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/watch/manifests/document_tree.h"
#include "netpol/watch/watch_source.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Identity of an object; `space` is its namespace, empty for the kinds that
// have none. Orders as the kinds are numbered in WatchEvent.
struct ManifestKey {
  v1::WatchEvent::Kind kind = v1::WatchEvent::KIND_UNSPECIFIED;
  std::string space;
  std::string name;

  // "NetworkPolicy web/allow".
  std::string ToString() const;

  friend bool operator==(const ManifestKey& a, const ManifestKey& b) {
    return a.Tie() == b.Tie();
  }
  friend bool operator<(const ManifestKey& a, const ManifestKey& b) {
    return a.Tie() < b.Tie();
  }

 private:
  std::tuple<int, const std::string&, const std::string&> Tie() const {
    return {kind, space, name};
  }
};

struct ManifestObject {
  ManifestKey key;
  Position position;
  // An UPSERT. Shared, not copied, between what a file gave and what was told
  // to the controller: equal pointers are the cheap proof that nothing
  // changed.
  std::shared_ptr<const v1::WatchEvent> event;
};

// What one file gives.
struct ManifestReading {
  std::vector<ManifestObject> objects;  // In file order.
  std::vector<SourceProblem> problems;
  // Objects that are there but cannot be read: what was known of them stays.
  std::vector<ManifestKey> unreadable;
  // Something is there of which not even the name can be read. It may be any
  // object that this file gave before, so all of them stay.
  bool has_unreadable_parts = false;
};

// Reads Namespaces (v1), Pods (v1), Nodes (v1) and NetworkPolicies
// (networking.k8s.io/v1): single documents, lists of kind List, lists of one
// kind (NetworkPolicyList; items may leave out kind and apiVersion) and, as an
// extension, bare lists, nested as it pleases. Other kinds are skipped with one
// notice each. Reading ends after some 1,000 problems. `file` is named in the
// problems; text of a name that ends in
// ".json" must be JSON, other text is YAML or JSON by its first character.
//
// A missing metadata.namespace is "default". A mistake costs its object only,
// and a NetworkPolicy only the part that is broken (network_policy_reader.h).
ManifestReading ReadManifestText(const std::string& file,
                                 absl::string_view text);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_OBJECT_READER_H_
