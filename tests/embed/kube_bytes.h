// Objects as an API server sends them, made without the messages of the house:
// libnetpol.so has those, and a process that had them twice would not start.
#ifndef NETPOL_TESTS_EMBED_KUBE_BYTES_H_
#define NETPOL_TESTS_EMBED_KUBE_BYTES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace netpol {

// JSON, with apiVersion and kind.
std::string NamespaceJson(absl::string_view name);
// Labelled app=`name`; running.
std::string PodJson(absl::string_view ns, absl::string_view name,
                    absl::string_view node, absl::string_view address);
std::string NodeJson(absl::string_view name, bool initialized);
// Only pods app=`from` of `ns` may reach its pods app=`to`.
std::string PolicyJson(absl::string_view ns, absl::string_view name,
                       absl::string_view to, absl::string_view from);

// The pod of PodJson() in protobuf, in its envelope.
std::string PodProtobuf(absl::string_view ns, absl::string_view name,
                        absl::string_view node, absl::string_view address);

}  // namespace netpol

#endif  // NETPOL_TESTS_EMBED_KUBE_BYTES_H_
