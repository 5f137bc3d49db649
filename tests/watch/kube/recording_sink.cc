#include "tests/watch/kube/recording_sink.h"

#include <poll.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace netpol {
namespace {

bool IsReadable(int fd, absl::Duration wait) {
  pollfd ready = {fd, POLLIN, 0};
  const absl::Duration limit = std::max(wait, absl::ZeroDuration());
  return poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) >
         0;
}

}  // namespace

void RecordingSink::OnHead(const HttpHead& head) {
  ++calls;
  heads.push_back(head);
  if (on_head) on_head();
}

absl::Status RecordingSink::OnBody(absl::string_view bytes) {
  ++calls;
  body.append(bytes.data(), bytes.size());
  return on_body ? on_body() : absl::OkStatus();
}

void RecordingSink::OnDone(const absl::Status& status) {
  ++calls;
  done = status;
  if (on_done) on_done();
}

bool RunUntil(HttpClient& client, const std::function<bool()>& condition) {
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    const absl::Duration left = limit - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    // Not all conditions are the client's: look again now and then.
    if (IsReadable(client.fd(), std::min(left, absl::Milliseconds(20)))) {
      client.Run();
    }
  }
  return true;
}

bool RunUntilDone(HttpClient& client, const RecordingSink& sink) {
  return RunUntil(client, [&sink] { return sink.done.has_value(); });
}

void RunUntilQuiet(HttpClient& client) {
  while (IsReadable(client.fd(), absl::ZeroDuration())) client.Run();
}

}  // namespace netpol
