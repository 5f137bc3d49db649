// Takes out of an object's JSON what nobody here reads, before it is parsed.
#ifndef NETPOL_WATCH_KUBE_JSON_PRUNER_H_
#define NETPOL_WATCH_KUBE_JSON_PRUNER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace netpol {

enum class UnknownMembers : uint8_t {
  kDrop,
  kMark,  // The key stays, its value becomes `true`, and null stays null.
};

// `object` without the members that no field of `type` has for its JSON name,
// at every depth. A pod is some twenty times smaller then, and no pod can be
// made so large that the bounds of document_tree.h keep it from being seen.
// Text that is no JSON object is given back as it is.
std::string PruneJson(absl::string_view object,
                      const google::protobuf::Descriptor& type,
                      UnknownMembers unknown);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_JSON_PRUNER_H_
