// Follows the objects of one kind at an API server: list, watch, and list again
// when the server has forgotten where we were
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
#ifndef NETPOL_WATCH_KUBE_REFLECTOR_H_
#define NETPOL_WATCH_KUBE_REFLECTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/steady_clock.h"
#include "netpol/watch/kube/api_error.h"
#include "netpol/watch/kube/backoff.h"
#include "netpol/watch/kube/collection_request.h"
#include "netpol/watch/kube/credential_source.h"
#include "netpol/watch/kube/http_client.h"
#include "netpol/watch/kube/list_decoder.h"
#include "netpol/watch/kube/watch_decoder.h"
#include "netpol/watch/watch_source.h"
#include "proto/k8s/wire.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct ReflectorOptions {
  v1::WatchEvent::Kind kind = v1::WatchEvent::POD;
  std::string plural;          // "network policies", for messages
  std::string server;          // Its URL, for messages.
  std::string url;             // Of the collection, without a query.
  std::string field_selector;  // Empty: all objects.
  // What the configuration came from, for messages.
  std::string origin;
  // Asks for lists as the begin of a watch first (WatchList), and in pages
  // where a server does not do that.
  bool stream_lists = true;
  int page_size = 500;
  uint64_t seed = 0;
  // Never set back; for tests.
  std::function<absl::Time()> clock = SteadyNow;
};

// What a reflector says; called from within Tick() and HttpClient::Run().
struct ReflectorCallbacks {
  std::function<void(v1::WatchEvent)> event;
  // Something to know that is no failure: an object that cannot be read, a
  // warning of the server, success after failures.
  std::function<void(SourceProblem)> notice;
};

// Everything it tells is in the order of the server; a list begins with LISTING
// and ends with LISTED. A list that fails tells no LISTED, and begins anew.
// Thread-compatible, on the thread that runs `client`.
class Reflector : public HttpSink {
 public:
  // `client` and `credentials` must outlive this.
  Reflector(ReflectorOptions options, HttpClient* client,
            CredentialSource* credentials, ReflectorCallbacks callbacks);
  ~Reflector() override;
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // Does what is due: sends the next request, or gives one up.
  void Tick();
  // When Tick() is due again, though nothing comes; by the clock.
  absl::Time next_tick() const;

  // The descriptor of the credentials is readable.
  void OnCredentials();

  // Ends the running watch, to open it again where it was, with what
  // credentials there are now.
  void Reconnect();

  const FollowedKind& state() const { return state_; }

  void OnHead(const HttpHead& head) override;
  absl::Status OnBody(absl::string_view bytes) override;
  void OnDone(const absl::Status& status) override;

 private:
  enum class Mode : uint8_t {
    kStream,  // a watch that begins with all there is
    kList,    // pages
    kWatch,   // changes
  };

  void Send();
  HttpRequest NextRequest();
  bool StartDecoding(const HttpHead& head);
  void OnItem(v1::WatchEvent event);
  void OnBadObject(const absl::Status& status);
  void OnFrame(WatchFrame frame);
  void OnPageDone();
  void OnWatchDone(const absl::Status& status);
  void OnRefusal();
  bool AskDifferently(int code, const k8s::Status& status);
  void BeginListing();
  void EndListing(const std::string& resource_version);
  void ListAgain(Freshness freshness);
  void Fail(const std::string& what,
            absl::Duration at_least = absl::ZeroDuration());
  void Works();
  ApiRequestName Named() const;

  const ReflectorOptions options_;
  HttpClient* const client_;
  CredentialSource* const credentials_;
  const ReflectorCallbacks callbacks_;
  Collection collection_;
  std::mt19937_64 random_;
  Backoff backoff_;
  FollowedKind state_;

  Mode mode_;
  bool streams_;  // the server has not refused to stream a list
  bool paging_ = true;
  Freshness freshness_ = Freshness::kAny;
  std::string resource_version_;  // of the last event
  std::string continue_token_;
  int broken_watches_ = 0;    // in a row, at this resource version
  bool bad_objects_ = false;  // in the list that is being read
  bool refused_ = false;      // the last answer was 401
  bool awaits_credentials_ = false;
  std::set<std::string> told_warnings_;
  absl::Time listed_at_ = absl::InfinitePast();

  uint64_t request_ = 0;  // 0: none runs
  Credentials used_;
  absl::Time not_before_ = absl::InfinitePast();
  absl::Time sent_ = absl::InfinitePast();
  absl::Time last_frame_ = absl::InfinitePast();
  HttpHead head_;
  std::string refusal_;     // the body of an answer that is not 200
  uint64_t frames_ = 0;     // of the running watch
  bool list_over_ = false;  // the watch asks for a list anew
  std::string watch_error_;
  std::unique_ptr<ListDecoder> list_;
  std::unique_ptr<WatchDecoder> watch_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_REFLECTOR_H_
