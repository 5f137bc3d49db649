// The requests that list and watch one collection of an API server
// (https://kubernetes.io/docs/reference/using-api/api-concepts/).
#ifndef NETPOL_WATCH_KUBE_COLLECTION_REQUEST_H_
#define NETPOL_WATCH_KUBE_COLLECTION_REQUEST_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "netpol/watch/kube/http_request.h"

namespace netpol {

struct Collection {
  std::string url;             // Without a query.
  std::string field_selector;  // Empty: all objects.
};

// What a list may be answered from.
enum class Freshness : uint8_t {
  kAny,       // What the server has at hand, however old.
  kNotOlder,  // Not older than a resource version.
  kNewest,    // What is there now.
};

struct ListQuestion {
  Freshness freshness = Freshness::kAny;
  std::string resource_version;  // For kNotOlder.
  std::string continue_token;    // Of the page before; then only this counts.
  int page_size = 0;             // 0: all in one.
};

HttpRequest ListRequest(const Collection& collection,
                        const ListQuestion& question);

struct WatchQuestion {
  // Begins with all there is, and a bookmark at its end (WatchList).
  bool initial_events = false;
  std::string resource_version;  // Changes after this; empty: the newest.
  absl::Duration length;         // After which the server ends it.
};

// Without a byte for some minutes it counts as dead, since bookmarks come about
// once a minute.
HttpRequest WatchRequest(const Collection& collection,
                         const WatchQuestion& question);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_COLLECTION_REQUEST_H_
