// The body of a list in JSON, cut into its objects as it arrives.
#ifndef NETPOL_WATCH_KUBE_JSON_LIST_CUTTER_H_
#define NETPOL_WATCH_KUBE_JSON_LIST_CUTTER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/json_scanner.h"
#include "proto/k8s/meta.pb.h"

namespace netpol {

// Takes the objects out of the array "items" of one JSON object; what is left,
// the shell, is read when it ends, so that fields may come in any order. What
// kind the list says it is, is checked before its first object if it says so
// before. Keeps one object and the shell. Thread-compatible.
class JsonListCutter {
 public:
  // The text of an object, good during the call.
  using ObjectSink = std::function<void(absl::string_view)>;

  JsonListCutter(const ApiKind& kind, ObjectSink objects)
      : kind_(kind), objects_(std::move(objects)) {}

  // InvalidArgument: not such a list. Then no more is to be appended.
  absl::Status Append(absl::string_view bytes);
  // InvalidArgument: the body ended in the middle, or is not such a list.
  absl::Status Finish();

  // Complete after Finish().
  const k8s::ListMeta& metadata() const { return metadata_; }

 private:
  enum class Place : uint8_t {
    kShell,
    kItems,   // In the array, between its elements.
    kObject,  // In one of its elements.
  };

  // Each takes bytes off the front of `*bytes`, at least one.
  absl::Status TakeShell(absl::string_view* bytes);
  absl::Status TakeBetweenItems(absl::string_view* bytes);
  absl::Status TakeObject(absl::string_view* bytes);

  // Whether the bracket that ends the shell opens the array of items.
  bool AtItems() const;
  absl::Status EnterItems();
  absl::Status ReadShell(const std::string& text, bool complete);
  absl::Status Broken(absl::string_view what) const;

  const ApiKind& kind_;
  const ObjectSink objects_;
  JsonScanner scanner_;
  Place place_ = Place::kShell;
  std::string shell_;
  std::string object_;
  // Where in the shell the name or value stands that began last, of those on
  // the outermost level, without its quotes.
  size_t string_begin_ = 0;
  size_t string_end_ = 0;
  bool shell_done_ = false;
  bool after_item_ = false;  // A comma must come before the next.
  bool seen_items_ = false;
  k8s::ListMeta metadata_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_JSON_LIST_CUTTER_H_
