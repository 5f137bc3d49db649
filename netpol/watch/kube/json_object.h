// Objects that came as JSON, to the bytes that the server would have sent as
// protobuf: all that follows is the same for both.
#ifndef NETPOL_WATCH_KUBE_JSON_OBJECT_H_
#define NETPOL_WATCH_KUBE_JSON_OBJECT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "netpol/watch/manifests/document_tree.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The one JSON value in `text`, blanks aside. A byte that is no UTF-8 costs its
// character, not the value. InvalidArgument if it is no JSON or breaks the
// bounds of document_tree.h.
absl::StatusOr<std::unique_ptr<DocumentTree>> ParseJsonText(
    absl::string_view text);

// The string at `key` of `node`; empty if that is no map or no string.
absl::string_view TextAt(const TreeNode& node, absl::string_view key);

// Fills `*message` from `node` by the JSON names of its fields; unknown ones
// are skipped. InvalidArgument for the first value of another type than the
// field's: what could be read is set all the same.
absl::Status ReadJsonMessage(const TreeNode& node,
                             google::protobuf::Message* message);

// The JSON object `text`, of `kind`, encoded; parts of a policy that have
// unknown fields are encoded with one. InvalidArgument as above, and if it says
// that it is of another kind; items of a list say nothing.
absl::StatusOr<std::string> EncodeJsonObject(v1::WatchEvent::Kind kind,
                                             absl::string_view text);

// The JSON object `text` of any kind, with what can be read of its metadata
// only.
std::string EncodeJsonMetadata(absl::string_view text);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_JSON_OBJECT_H_
