#include "tests/kernel/conformance/matrix_expectation.h"

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace netpol {
namespace {

MatrixExpectation Line(bool allowed, bool ingress, absl::string_view pods,
                       absl::string_view peers, absl::string_view traffic) {
  return {allowed, ingress, std::string(pods), std::string(peers),
          std::string(traffic)};
}

bool MatchesPart(absl::string_view pattern, absl::string_view part) {
  return pattern == "*" || pattern == part;
}

bool MatchesPattern(absl::string_view pattern, absl::string_view name) {
  const size_t wanted = pattern.find('/');
  const size_t slash = name.find('/');
  if (wanted == pattern.npos || slash == name.npos) {
    return MatchesPart(pattern, name);
  }
  return MatchesPart(pattern.substr(0, wanted), name.substr(0, slash)) &&
         MatchesPart(pattern.substr(wanted + 1), name.substr(slash + 1));
}

bool MatchesAny(const std::string& patterns, const std::string& name) {
  for (absl::string_view pattern :
       absl::StrSplit(patterns, ' ', absl::SkipEmpty())) {
    if (MatchesPattern(pattern, name)) return true;
  }
  return false;
}

// Each of family, protocol and port is among the words, or none of its kind is.
bool MatchesTraffic(const std::string& words, const Packet& packet) {
  const std::vector<std::string> own = absl::StrSplit(TrafficName(packet), ' ');
  bool named[3] = {};
  bool met[3] = {};
  for (absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    const int kind = absl::StartsWith(word, "IPv")                       ? 0
                     : word.find_first_not_of("0123456789") == word.npos ? 2
                                                                         : 1;
    named[kind] = true;
    if (word == own[kind]) met[kind] = true;
  }
  for (int kind = 0; kind < 3; ++kind) {
    if (named[kind] && !met[kind]) return false;
  }
  return true;
}

bool SideLets(const MatrixExpectations& lines, bool ingress,
              const std::string& pod, const std::string& peer,
              const Packet& packet) {
  bool lets = true;
  for (const MatrixExpectation& line : lines) {
    if (line.ingress == ingress && MatchesAny(line.pods, pod) &&
        MatchesAny(line.peers, peer) && MatchesTraffic(line.traffic, packet)) {
      lets = line.allowed;
    }
  }
  return lets;
}

}  // namespace

MatrixExpectation DenyIn(absl::string_view pods, absl::string_view from,
                         absl::string_view traffic) {
  return Line(false, true, pods, from, traffic);
}

MatrixExpectation AllowIn(absl::string_view pods, absl::string_view from,
                          absl::string_view traffic) {
  return Line(true, true, pods, from, traffic);
}

MatrixExpectation DenyOut(absl::string_view pods, absl::string_view to,
                          absl::string_view traffic) {
  return Line(false, false, pods, to, traffic);
}

MatrixExpectation AllowOut(absl::string_view pods, absl::string_view to,
                           absl::string_view traffic) {
  return Line(true, false, pods, to, traffic);
}

bool ArrivesBy(const MatrixExpectations& lines, const MatrixEnd& from,
               const MatrixEnd& to, const Packet& packet) {
  if (from.is_pod && from.is_local &&
      !SideLets(lines, false, from.name, to.name, packet)) {
    return false;
  }
  const bool judged = to.is_pod && to.is_local && from.name != "node";
  return !judged || SideLets(lines, true, to.name, from.name, packet);
}

}  // namespace netpol
