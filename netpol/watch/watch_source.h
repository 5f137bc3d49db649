// How a source of Kubernetes objects (manifest files, an API server) feeds the
// controller.
#ifndef NETPOL_WATCH_WATCH_SOURCE_H_
#define NETPOL_WATCH_WATCH_SOURCE_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Something that a source could not take as it stands.
struct SourceProblem {
  enum class Severity {
    kNotice,   // Left out on purpose: a kind that is not read here.
    kWarning,  // Taken, or kept as it was, but somebody should look.
    kError,    // Not taken, or taken in part so that less is allowed.
  };

  Severity severity = Severity::kError;
  std::string file;     // Or address; empty when it concerns no one place.
  int line = 0;         // From 1; 0 if unknown.
  int column = 0;       // From 1; 0 if unknown.
  std::string object;   // "NetworkPolicy web/allow"; empty if unknown.
  std::string field;    // "spec.ingress[0].from[1]"; empty if none.
  std::string message;  // What is wrong, what was done about it.

  // One line: "file:line:column: object: field: message".
  std::string ToString() const;

  friend bool operator==(const SourceProblem& a, const SourceProblem& b) {
    return a.Tie() == b.Tie();
  }
  friend bool operator<(const SourceProblem& a, const SourceProblem& b) {
    return a.Tie() < b.Tie();
  }
  friend std::ostream& operator<<(std::ostream& os, const SourceProblem& p) {
    return os << p.ToString();
  }

 private:
  using Fields =
      std::tuple<const std::string&, int, int, Severity, const std::string&,
                 const std::string&, const std::string&>;
  Fields Tie() const {
    return Fields(file, line, column, severity, object, field, message);
  }
};

inline std::string SourceProblem::ToString() const {
  std::string place = file;
  if (line > 0) absl::StrAppend(&place, ":", line);
  if (line > 0 && column > 0) absl::StrAppend(&place, ":", column);
  std::string out;
  for (absl::string_view part :
       {absl::string_view(place), absl::string_view(object),
        absl::string_view(field), absl::string_view(message)}) {
    if (part.empty()) continue;
    absl::StrAppend(&out, out.empty() ? "" : ": ", part);
  }
  return out;
}

// How the objects of one kind are followed, by a source that asks a server.
struct FollowedKind {
  enum class Phase {
    kWaiting,    // Nothing was asked yet, or the next try is not due.
    kListing,    // All objects are being read, at start or anew.
    kFollowing,  // Every change is told as it happens.
  };

  v1::WatchEvent::Kind kind = v1::WatchEvent::KIND_UNSPECIFIED;
  Phase phase = Phase::kWaiting;
  bool listed = false;  // All objects have been told at least once.
  // Since when the server gives nothing, and the last reason; InfiniteFuture
  // and empty while all is well. What was told before stands.
  absl::Time failing_since = absl::InfiniteFuture();
  std::string error;
  // When the server was last heard of, bookmarks included.
  absl::Time last_heard = absl::InfinitePast();
  uint64_t lists = 0;    // That ended well.
  uint64_t watches = 0;  // That were opened.
  uint64_t errors = 0;   // Requests that failed, lists and watches.
  uint64_t events = 0;   // Objects told, in lists and watches.
};

// Where objects come from. Thread-compatible: one thread polls.
class WatchSource {
 public:
  using EventSink = std::function<void(v1::WatchEvent)>;
  using ProblemSink = std::function<void(const SourceProblem&)>;

  virtual ~WatchSource() = default;

  // Hands to `events` everything that changed since the last call. The first
  // call that can hands over everything there is, then one LISTED event for
  // each kind, also for kinds without objects. Waits for a change for at most
  // `timeout` (zero: only looks) and returns as soon as one was told. Sinks
  // are called on this thread, before the return, and not kept.
  //
  // `new_problems` gets each problem once, when it first appears. A problem is
  // no error of Poll: the objects that are well are told all the same. An
  // error means that the source as a whole could not be read this time; what
  // was told before stands, and the next call tries again.
  virtual absl::Status Poll(absl::Duration timeout, const EventSink& events,
                            const ProblemSink& new_problems) = 0;

  // All problems that stand as of the last Poll, in order of place. The
  // reference is good until the next Poll.
  virtual const std::vector<SourceProblem>& problems() const = 0;

  // How each kind is followed, as of the last Poll; empty for a source that
  // asks no server.
  virtual std::vector<FollowedKind> followed() const { return {}; }

  // A descriptor for poll(2) that becomes readable when Poll has work to do;
  // only Poll makes it quiet again. It belongs to the source. -1 if there is
  // none: then call Poll every few seconds.
  virtual int fd() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_WATCH_SOURCE_H_
