#include "netpol/watch/kube/reflector.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/watch/kube/api_error.h"
#include "netpol/watch/kube/object_decoder.h"

namespace netpol {
namespace {

// The server ends a watch after this, plus as much again at random.
constexpr absl::Duration kWatchFor = absl::Minutes(5);
// A server that knows streamed lists ends them; one that does not falls silent.
constexpr absl::Duration kStreamSilence = absl::Seconds(10);
// A list that is out of date sooner than this is no good either.
constexpr absl::Duration kShortList = absl::Seconds(5);
// A watch that ends sooner than this, with nothing in it, is no good.
constexpr absl::Duration kShortWatch = absl::Seconds(1);
constexpr size_t kMostRefusal = size_t{64} << 10;
// So often a watch may break at one place before all is listed again.
constexpr int kBrokenWatches = 3;

bool IsExpired(int code, const k8s::Status& status) {
  return code == 410 || status.code() == 410 || status.reason() == "Expired" ||
         status.reason() == "Gone";
}

// https://github.com/kubernetes/apimachinery: the resource version is of the
// future for the server that was asked.
bool IsTooNew(const k8s::Status& status) {
  const auto& causes = status.details().causes();
  return std::any_of(causes.begin(), causes.end(),
                     [](const k8s::StatusCause& cause) {
                       return cause.reason() == "ResourceVersionTooLarge";
                     });
}

v1::WatchEvent Listing(v1::WatchEvent::Type type, v1::WatchEvent::Kind kind) {
  v1::WatchEvent event;
  event.set_type(type);
  event.set_listed_kind(kind);
  return event;
}

}  // namespace

Reflector::Reflector(ReflectorOptions options, HttpClient* client,
                     CredentialSource* credentials,
                     ReflectorCallbacks callbacks)
    : options_(std::move(options)),
      client_(client),
      credentials_(credentials),
      callbacks_(std::move(callbacks)),
      collection_{options_.url, options_.field_selector},
      random_(options_.seed),
      backoff_(options_.seed + 1),
      mode_(options_.stream_lists ? Mode::kStream : Mode::kList),
      streams_(options_.stream_lists) {
  state_.kind = options_.kind;
}

Reflector::~Reflector() {
  if (request_ != 0) client_->Cancel(request_);
}

// ---- requests

void Reflector::Tick() {
  const absl::Time now = options_.clock();
  if (request_ != 0 && now >= next_tick()) {
    // It takes the question for a plain watch.
    client_->Cancel(std::exchange(request_, 0));
    watch_.reset();
    streams_ = false;
    mode_ = Mode::kList;
  }
  if (request_ == 0 && now >= not_before_) Send();
}

absl::Time Reflector::next_tick() const {
  if (request_ == 0) return not_before_;
  const bool listing_in_stream = mode_ == Mode::kStream && watch_ != nullptr;
  return listing_in_stream ? last_frame_ + kStreamSilence
                           : absl::InfiniteFuture();
}

void Reflector::OnCredentials() {
  if (std::exchange(awaits_credentials_, false))
    not_before_ = absl::InfinitePast();
}

void Reflector::Reconnect() {
  if (request_ == 0 || mode_ != Mode::kWatch) return;
  client_->Cancel(std::exchange(request_, 0));
  watch_.reset();
  not_before_ = absl::InfinitePast();
}

void Reflector::Send() {
  absl::StatusOr<Credentials> credentials = credentials_->Get(absl::Now());
  if (!credentials.ok()) {
    if (absl::IsUnavailable(credentials.status())) {
      awaits_credentials_ = true;
      not_before_ = absl::InfiniteFuture();
      return;
    }
    return Fail(std::string(credentials.status().message()));
  }
  used_ = *std::move(credentials);
  list_.reset();
  watch_.reset();
  head_ = HttpHead();
  refusal_.clear();
  watch_error_.clear();
  list_over_ = false;
  frames_ = 0;
  sent_ = options_.clock();
  if (mode_ != Mode::kWatch) state_.phase = FollowedKind::Phase::kListing;
  request_ = client_->Start(NextRequest(), used_, this);
}

HttpRequest Reflector::NextRequest() {
  if (mode_ == Mode::kList) {
    return ListRequest(collection_,
                       {freshness_, resource_version_, continue_token_,
                        paging_ ? options_.page_size : 0});
  }
  WatchQuestion question;
  question.initial_events = mode_ == Mode::kStream;
  if (mode_ == Mode::kWatch || freshness_ == Freshness::kNotOlder)
    question.resource_version = resource_version_;
  question.length = kWatchFor * std::uniform_real_distribution<>(1, 2)(random_);
  return WatchRequest(collection_, question);
}

// ---- answers

void Reflector::OnHead(const HttpHead& head) {
  head_ = head;
  state_.last_heard = absl::Now();
  for (const std::string& warning : head.warnings) {
    // They come with every answer.
    if (!told_warnings_.insert(warning).second) continue;
    callbacks_.notice({SourceProblem::Severity::kNotice, "", 0, 0, "", "",
                       absl::StrCat("the API server warns about ",
                                    options_.plural, ": ", warning)});
  }
  if (head.status != 200 || !StartDecoding(head)) return;
  refused_ = false;
  if (mode_ == Mode::kWatch) {
    ++state_.watches;
    state_.phase = FollowedKind::Phase::kFollowing;
    Works();
  } else if (continue_token_.empty()) {
    BeginListing();
  }
}

// Whether the body is one that we can read; what cannot be is kept as text.
bool Reflector::StartDecoding(const HttpHead& head) {
  if (!head.content_encoding.empty() && head.content_encoding != "identity")
    return false;
  if (mode_ == Mode::kList) {
    auto list = ListDecoder::Create(
        head.content_type, options_.kind,
        [this](v1::WatchEvent event) { OnItem(std::move(event)); },
        [this](const absl::Status& status) { OnBadObject(status); });
    if (list.ok()) list_ = *std::move(list);
    return list_ != nullptr;
  }
  auto watch = WatchDecoder::Create(
      head.content_type, options_.kind,
      [this](WatchFrame frame) { OnFrame(std::move(frame)); });
  if (watch.ok()) watch_ = *std::move(watch);
  last_frame_ = options_.clock();
  return watch_ != nullptr;
}

absl::Status Reflector::OnBody(absl::string_view bytes) {
  state_.last_heard = absl::Now();
  if (list_ != nullptr) return list_->Append(bytes);
  if (watch_ != nullptr) {
    const absl::Status read = watch_->Append(bytes);
    if (!read.ok()) return read;
    return watch_error_.empty() ? absl::OkStatus()
                                : absl::AbortedError("the watch is over");
  }
  if (refusal_.size() < kMostRefusal) absl::StrAppend(&refusal_, bytes);
  return absl::OkStatus();
}

void Reflector::OnItem(v1::WatchEvent event) {
  ++state_.events;
  callbacks_.event(std::move(event));
}

void Reflector::OnBadObject(const absl::Status& status) {
  bad_objects_ = true;
  callbacks_.notice(
      {SourceProblem::Severity::kError, "", 0, 0, "", "",
       absl::StrCat("one of the ", options_.plural,
                    " of the API server cannot be read: ", status.message(),
                    "; what was known of it stays")});
}

void Reflector::OnFrame(WatchFrame frame) {
  last_frame_ = options_.clock();
  if (!watch_error_.empty()) return;
  ++frames_;
  broken_watches_ = 0;
  if (frame.type == WatchFrame::Type::kError) {
    list_over_ = IsExpired(0, frame.status);
    watch_error_ = absl::StrCat("the API server ended the watch of ",
                                options_.plural, ": ", frame.status.message());
    return;
  }
  if (frame.event.has_value()) OnItem(*std::move(frame.event));
  if (!frame.bad_object.ok()) OnBadObject(frame.bad_object);
  if (mode_ == Mode::kStream) {
    if (frame.initial_events_end) {
      mode_ = Mode::kWatch;
      ++state_.watches;
      EndListing(frame.resource_version);
    }
    return;  // Versions of what was there at the begin are in no order.
  }
  if (!frame.resource_version.empty())
    resource_version_ = std::move(frame.resource_version);
}

void Reflector::OnDone(const absl::Status& status) {
  request_ = 0;
  if (absl::IsUnauthenticated(status)) credentials_->OnUnverified(absl::Now());
  if (watch_ != nullptr) return OnWatchDone(status);
  if (list_ == nullptr && status.ok()) return OnRefusal();
  absl::Status read = status;
  if (read.ok()) read = list_->Finish();
  if (read.ok()) return OnPageDone();
  // What the network lost can be asked for again, page by page.
  if (absl::IsInvalidArgument(read)) continue_token_.clear();
  Fail(ExplainFailure(Named(), read));
}

void Reflector::OnPageDone() {
  const std::unique_ptr<ListDecoder> list = std::move(list_);
  continue_token_ = list->continue_token();
  not_before_ = absl::InfinitePast();
  if (!continue_token_.empty()) return;  // The next page, at once.
  mode_ = Mode::kWatch;
  EndListing(list->resource_version());
}

void Reflector::OnWatchDone(const absl::Status& status) {
  const bool whole = status.ok() && watch_->AtBoundary();
  watch_.reset();
  if (list_over_) {
    return ListAgain(mode_ == Mode::kStream ? Freshness::kNewest
                                            : Freshness::kNotOlder);
  }
  if (!watch_error_.empty() || mode_ == Mode::kStream ||
      absl::IsInvalidArgument(status)) {
    // Where a list was in the middle, it begins anew.
    if (mode_ == Mode::kWatch && ++broken_watches_ >= kBrokenWatches)
      ListAgain(Freshness::kNewest);
    return Fail(!watch_error_.empty() ? watch_error_
                : status.ok() ? absl::StrCat("the API server ended the list "
                                             "of ",
                                             options_.plural, " in the middle")
                              : ExplainFailure(Named(), status));
  }
  const bool short_lived =
      frames_ == 0 && options_.clock() - sent_ < kShortWatch;
  if (!whole && !absl::IsDeadlineExceeded(status))
    return Fail(ExplainFailure(
        Named(), status.ok() ? absl::UnavailableError(
                                   "the connection ended in the middle")
                             : status));
  if (short_lived) {
    return Fail(absl::StrCat("the API server ends the watch of ",
                             options_.plural, " at once"));
  }
  not_before_ = absl::InfinitePast();  // Its time was over.
}

void Reflector::OnRefusal() {
  const absl::StatusOr<k8s::Status> decoded = DecodeStatus(refusal_);
  const k8s::Status status = decoded.ok() ? *decoded : k8s::Status();
  const int code = head_.status;
  if (code == 401) {
    credentials_->OnRefused(used_, absl::Now());
    // Tokens expire: the first time, a new one is tried at once.
    not_before_ = absl::InfinitePast();
    if (!std::exchange(refused_, true)) return;
  }
  if (mode_ == Mode::kWatch && IsTooNew(status))
    return ListAgain(Freshness::kNewest);
  if (mode_ == Mode::kWatch && IsExpired(code, status))
    return ListAgain(Freshness::kNotOlder);
  if (mode_ != Mode::kWatch && AskDifferently(code, status)) return;
  absl::Duration at_least =
      absl::Seconds(status.details().retry_after_seconds());
  if (head_.retry_after.has_value())
    at_least = std::max(at_least, *head_.retry_after);
  continue_token_.clear();
  Fail(ExplainRefusal(Named(), head_, status, decoded.ok() ? "" : refusal_),
       at_least);
}

// Whether the list can be had in another way, at once.
bool Reflector::AskDifferently(int code, const k8s::Status& status) {
  not_before_ = absl::InfinitePast();
  if (!continue_token_.empty() && IsExpired(code, status)) {
    // Too slow for the pages: all in one.
    continue_token_.clear();
    paging_ = false;
    return true;
  }
  if (freshness_ != Freshness::kNewest &&
      (IsExpired(code, status) || IsTooNew(status))) {
    freshness_ = Freshness::kNewest;
    return true;
  }
  if (mode_ == Mode::kStream && (code == 422 || code == 400)) {
    streams_ = false;
    mode_ = Mode::kList;
    return true;
  }
  if (code == 400 && !collection_.field_selector.empty() &&
      options_.kind != v1::WatchEvent::NODE) {
    collection_.field_selector.clear();
    return true;
  }
  return false;
}

// ---- what follows from them

void Reflector::BeginListing() {
  bad_objects_ = false;
  callbacks_.event(Listing(v1::WatchEvent::LISTING, options_.kind));
}

void Reflector::EndListing(const std::string& resource_version) {
  resource_version_ = resource_version;
  freshness_ = Freshness::kNotOlder;
  paging_ = true;
  broken_watches_ = 0;
  listed_at_ = options_.clock();
  v1::WatchEvent listed = Listing(v1::WatchEvent::LISTED, options_.kind);
  if (bad_objects_) listed.set_incomplete(true);
  callbacks_.event(std::move(listed));
  ++state_.lists;
  state_.listed = true;
  if (watch_ != nullptr) state_.phase = FollowedKind::Phase::kFollowing;
  Works();
}

void Reflector::ListAgain(Freshness freshness) {
  mode_ = streams_ ? Mode::kStream : Mode::kList;
  freshness_ = freshness;
  continue_token_.clear();
  broken_watches_ = 0;
  // A server that forgets at once is not asked without end.
  const absl::Time now = options_.clock();
  not_before_ = now - listed_at_ < kShortList ? now + backoff_.Next(now) : now;
}

void Reflector::Fail(const std::string& what, absl::Duration at_least) {
  ++state_.errors;
  state_.phase = FollowedKind::Phase::kWaiting;
  state_.error = what;
  if (state_.failing_since == absl::InfiniteFuture())
    state_.failing_since = absl::Now();
  const absl::Time now = options_.clock();
  not_before_ = now + std::max(backoff_.Next(now), at_least);
}

void Reflector::Works() {
  if (state_.failing_since == absl::InfiniteFuture()) return;
  const absl::Duration away =
      absl::Trunc(absl::Now() - state_.failing_since, absl::Seconds(1));
  state_.failing_since = absl::InfiniteFuture();
  state_.error.clear();
  callbacks_.notice(
      {SourceProblem::Severity::kNotice, "", 0, 0, "", "",
       absl::StrCat("the API server answers again for ", options_.plural,
                    ", after ",
                    away > absl::ZeroDuration() ? absl::FormatDuration(away)
                                                : "less than a second")});
}

ApiRequestName Reflector::Named() const {
  // As the server calls it, which says which right is missing.
  return {mode_ == Mode::kList ? "list" : "watch", options_.plural,
          options_.server, options_.origin};
}

}  // namespace netpol
