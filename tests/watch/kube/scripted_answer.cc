#include "tests/watch/kube/scripted_answer.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

std::string ChunkOf(absl::string_view bytes) {
  return absl::StrCat(absl::Hex(bytes.size()), "\r\n", bytes, "\r\n");
}

}  // namespace

ScriptedAnswer ScriptedAnswer::Whole(int status, absl::string_view content_type,
                                     absl::string_view body) {
  ScriptedAnswer answer;
  answer.Head(status, {{"Content-Type", std::string(content_type)},
                       {"Content-Length", absl::StrCat(body.size())}});
  if (!body.empty()) answer.Send(body);
  return answer;
}

ScriptedAnswer ScriptedAnswer::Chunked(int status,
                                       absl::string_view content_type) {
  ScriptedAnswer answer;
  answer.Head(status, {{"Content-Type", std::string(content_type)},
                       {"Transfer-Encoding", "chunked"}});
  return answer;
}

ScriptedAnswer& ScriptedAnswer::Head(int status, const Headers& headers) {
  std::string head = absl::StrCat("HTTP/1.1 ", status, " Scripted\r\n");
  for (const auto& [name, value] : headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  return Add(Kind::kSend, head + "\r\n");
}

ScriptedAnswer& ScriptedAnswer::Send(absl::string_view bytes) {
  return Add(Kind::kSend, std::string(bytes));
}

ScriptedAnswer& ScriptedAnswer::SendInPieces(absl::string_view bytes,
                                             size_t size) {
  for (size_t at = 0; at < bytes.size(); at += size) {
    Send(bytes.substr(at, size));
  }
  return *this;
}

ScriptedAnswer& ScriptedAnswer::Chunk(absl::string_view bytes) {
  return Send(ChunkOf(bytes));
}

ScriptedAnswer& ScriptedAnswer::ChunksOf(absl::string_view bytes, size_t size) {
  for (size_t at = 0; at < bytes.size(); at += size) {
    Chunk(bytes.substr(at, size));
  }
  return *this;
}

ScriptedAnswer& ScriptedAnswer::GzipChunk(absl::string_view bytes) {
  return Chunk(GzipMember(bytes));
}

ScriptedAnswer& ScriptedAnswer::Flood(absl::string_view bytes) {
  return Add(Kind::kFlood, ChunkOf(bytes));
}

ScriptedAnswer& ScriptedAnswer::EndChunks() { return Send("0\r\n\r\n"); }

ScriptedAnswer& ScriptedAnswer::WaitFor(const std::string& signal) {
  return Add(Kind::kWait, signal);
}

ScriptedAnswer& ScriptedAnswer::Close() { return Add(Kind::kClose); }
ScriptedAnswer& ScriptedAnswer::Cut() { return Add(Kind::kCut); }
ScriptedAnswer& ScriptedAnswer::Reset() { return Add(Kind::kReset); }
ScriptedAnswer& ScriptedAnswer::Silence() { return Add(Kind::kSilence); }

ScriptedAnswer& ScriptedAnswer::Add(Kind kind, std::string text) {
  steps_.push_back({kind, std::move(text)});
  return *this;
}

std::string GzipMember(absl::string_view bytes) {
  z_stream stream = {};
  // 15 bits of window, 16 more for the gzip wrapper.
  if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    std::abort();
  }
  std::string member(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = bytes.size();
  stream.next_out = reinterpret_cast<Bytef*>(&member[0]);
  stream.avail_out = member.size();
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  member.resize(stream.total_out);
  deflateEnd(&stream);
  return member;
}

}  // namespace netpol
