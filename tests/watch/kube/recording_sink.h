// A sink that remembers one response, and the loop that runs a client for it.
#ifndef NETPOL_TESTS_WATCH_KUBE_RECORDING_SINK_H_
#define NETPOL_TESTS_WATCH_KUBE_RECORDING_SINK_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/http_client.h"

namespace netpol {

class RecordingSink : public HttpSink {
 public:
  void OnHead(const HttpHead& head) override;
  absl::Status OnBody(absl::string_view bytes) override;
  void OnDone(const absl::Status& status) override;

  std::vector<HttpHead> heads;
  std::string body;
  absl::optional<absl::Status> done;
  int calls = 0;

  // What else to do at each call; may be empty.
  std::function<void()> on_head;
  std::function<absl::Status()> on_body;
  std::function<void()> on_done;
};

// Run()s when the client's descriptor is readable, until `condition` holds.
// False: it does not after 20 seconds.
bool RunUntil(HttpClient& client, const std::function<bool()>& condition);

// Until the response is complete, or failed.
bool RunUntilDone(HttpClient& client, const RecordingSink& sink);

// Until it has nothing to do at this moment.
void RunUntilQuiet(HttpClient& client);

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_RECORDING_SINK_H_
