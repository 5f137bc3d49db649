// What a ScriptedServer does for one request, step by step.
#ifndef NETPOL_TESTS_WATCH_KUBE_SCRIPTED_ANSWER_H_
#define NETPOL_TESTS_WATCH_KUBE_SCRIPTED_ANSWER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace netpol {

// Values only; steps are done in the order in which they were added. Unless the
// last one closes the connection, the next request may come on it.
class ScriptedAnswer {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  enum class Kind {
    kSend,     // `text` as it is, in one write.
    kFlood,    // `text` again and again, until the other side closes.
    kWait,     // Until ScriptedServer::GoOn(text).
    kClose,    // As one should: TLS close_notify, then FIN.
    kCut,      // FIN without close_notify.
    kReset,    // RST.
    kSilence,  // Nothing, until the other side closes or the server stops.
  };
  struct Step {
    Kind kind;
    std::string text;
  };

  // A complete answer with Content-Length.
  static ScriptedAnswer Whole(int status, absl::string_view content_type,
                              absl::string_view body);
  // The head of an answer with chunks, such as a watch; for Chunk().
  static ScriptedAnswer Chunked(int status, absl::string_view content_type);

  // The head, with these headers only (Content-Length or "Transfer-Encoding:
  // chunked" is for the caller; without both, the body ends with Close()).
  ScriptedAnswer& Head(int status, const Headers& headers);
  // Bytes as they are, flushed.
  ScriptedAnswer& Send(absl::string_view bytes);
  // The same in pieces of `size` bytes, each flushed: slow bytes, and frames
  // split at every possible place.
  ScriptedAnswer& SendInPieces(absl::string_view bytes, size_t size);
  // One chunk, flushed.
  ScriptedAnswer& Chunk(absl::string_view bytes);
  // Bytes in chunks of `size` bytes, each flushed.
  ScriptedAnswer& ChunksOf(absl::string_view bytes, size_t size);
  // One chunk with a gzip member of its own, as an API server with
  // WatchListCompression flushes it.
  ScriptedAnswer& GzipChunk(absl::string_view bytes);
  // The same chunk for ever.
  ScriptedAnswer& Flood(absl::string_view bytes);
  ScriptedAnswer& EndChunks();  // The answer is complete.
  ScriptedAnswer& WaitFor(const std::string& signal);
  ScriptedAnswer& Close();
  ScriptedAnswer& Cut();
  ScriptedAnswer& Reset();
  ScriptedAnswer& Silence();

  const std::vector<Step>& steps() const { return steps_; }

 private:
  ScriptedAnswer& Add(Kind kind, std::string text = "");

  std::vector<Step> steps_;
};

// `bytes` as one gzip member.
std::string GzipMember(absl::string_view bytes);

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_SCRIPTED_ANSWER_H_
