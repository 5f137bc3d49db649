#include "netpol/watch/kube/kube_source.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/steady_clock.h"
#include "netpol/watch/kube/credential_source.h"
#include "netpol/watch/kube/http_client.h"
#include "netpol/watch/kube/reflector.h"

namespace netpol {
namespace {

// Certificates that were rotated are used for running watches, too.
constexpr absl::Duration kCredentialsEvery = absl::Minutes(1);
// From the first failure until it is told.
constexpr absl::Duration kGatherFailures = absl::Milliseconds(100);
constexpr size_t kMostProblems = 1000;

std::string UserAgent(const std::string& program) {
  utsname machine = {};
  if (uname(&machine) != 0) return program;
  return absl::StrCat(program, " (linux/", machine.machine, ")");
}

ReflectorOptions OptionsFor(v1::WatchEvent::Kind kind,
                            const KubeSourceOptions& options) {
  ReflectorOptions reflector;
  reflector.kind = kind;
  reflector.server = options.server.server;
  reflector.origin = options.server.origin;
  reflector.stream_lists = options.stream_lists;
  reflector.page_size = options.page_size;
  reflector.seed = std::random_device()();
  std::string path;
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      reflector.plural = "namespaces";
      path = "/api/v1/namespaces";
      break;
    case v1::WatchEvent::POD:
      reflector.plural = "pods";
      path = "/api/v1/pods";
      // What has finished has no address any more, and is never read.
      reflector.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
      break;
    case v1::WatchEvent::NODE:
      reflector.plural = "nodes";
      path = "/api/v1/nodes";
      reflector.field_selector =
          absl::StrCat("metadata.name=", options.node_name);
      break;
    default:
      reflector.plural = "networkpolicies";
      path = "/apis/networking.k8s.io/v1/networkpolicies";
      break;
  }
  reflector.url = absl::StrCat(options.server.server, path);
  return reflector;
}

bool IsReadable(int fd) {
  pollfd ready = {fd, POLLIN, 0};
  return fd >= 0 && poll(&ready, 1, 0) == 1;
}

class Source : public KubeSource {
 public:
  explicit Source(KubeSourceOptions options) : options_(std::move(options)) {}
  ~Source() override;

  absl::Status Start();

  absl::Status Poll(absl::Duration timeout, const EventSink& events,
                    const ProblemSink& new_problems) override;
  const std::vector<SourceProblem>& problems() const override {
    return problems_;
  }
  std::vector<FollowedKind> followed() const override;
  int fd() const override { return epoll_; }

 private:
  absl::Status Watch(int fd);
  void OnNotice(SourceProblem problem);
  void Work();
  void RenewConnections();
  void SetTimer();
  absl::Status NewFailures();

  const KubeSourceOptions options_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<CredentialSource> credentials_;
  // They end before the client that they ask.
  std::vector<std::unique_ptr<Reflector>> reflectors_;
  int epoll_ = -1;
  int timer_ = -1;
  absl::Time next_renewal_ = absl::InfinitePast();
  uint64_t tls_generation_ = 0;
  uint64_t told_errors_ = 0;
  absl::Time failures_due_ = absl::InfiniteFuture();  // if there are new ones
  std::vector<SourceProblem> problems_;
  // Those of the Poll() that is going on.
  const EventSink* events_ = nullptr;
  const ProblemSink* new_problems_ = nullptr;
  bool told_ = false;
};

Source::~Source() {
  reflectors_.clear();
  client_.reset();
  if (timer_ >= 0) close(timer_);
  if (epoll_ >= 0) close(epoll_);
}

absl::Status Source::Watch(int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0)
    return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "adding a descriptor to epoll");
}

absl::Status Source::Start() {
  HttpClientOptions http;
  http.user_agent = UserAgent(options_.program);
  http.proxy_url = options_.server.proxy_url;
  http.no_proxy = options_.server.no_proxy;
  http.tls_server_name = options_.server.tls_server_name;
  http.insecure_skip_tls_verify = options_.server.insecure_skip_tls_verify;
  http.http1_only = options_.http1_only;
  ASSIGN_OR_RETURN(client_, HttpClient::Create(http));
  credentials_ = CredentialSource::Create(options_.server);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer_ < 0) return absl::ErrnoToStatus(errno, "timerfd_create");
  RETURN_IF_ERROR(Watch(timer_));
  RETURN_IF_ERROR(Watch(client_->fd()));
  if (credentials_->fd() >= 0) RETURN_IF_ERROR(Watch(credentials_->fd()));
  ReflectorCallbacks callbacks;
  callbacks.event = [this](v1::WatchEvent event) {
    told_ = true;
    (*events_)(std::move(event));
  };
  callbacks.notice = [this](SourceProblem problem) {
    OnNotice(std::move(problem));
  };
  for (const v1::WatchEvent::Kind kind :
       {v1::WatchEvent::NAMESPACE, v1::WatchEvent::NETWORK_POLICY,
        v1::WatchEvent::NODE, v1::WatchEvent::POD}) {
    reflectors_.push_back(
        std::make_unique<Reflector>(OptionsFor(kind, options_), client_.get(),
                                    credentials_.get(), callbacks));
  }
  SetTimer();
  return absl::OkStatus();
}

void Source::OnNotice(SourceProblem problem) {
  told_ = true;
  problem.file = options_.server.server;
  if (problem.severity != SourceProblem::Severity::kNotice) {
    auto place = std::lower_bound(problems_.begin(), problems_.end(), problem);
    if (place != problems_.end() && *place == problem) return;
    if (problems_.size() < kMostProblems) problems_.insert(place, problem);
  }
  (*new_problems_)(problem);
}

absl::Status Source::Poll(absl::Duration timeout, const EventSink& events,
                          const ProblemSink& new_problems) {
  events_ = &events;
  new_problems_ = &new_problems;
  told_ = false;
  const absl::Time end = SteadyNow() + timeout;
  while (true) {
    Work();
    const absl::Status failures = NewFailures();
    SetTimer();
    const absl::Duration left = end - SteadyNow();
    if (told_ || !failures.ok() || left <= absl::ZeroDuration())
      return failures;
    pollfd ready = {epoll_, POLLIN, 0};
    const absl::Duration wait = std::min(left, absl::Hours(1));
    // Rounded up: a last turn of nothing would only burn time.
    poll(&ready, 1,
         static_cast<int>(
             absl::ToInt64Milliseconds(wait + absl::Microseconds(999))));
  }
}

void Source::Work() {
  uint64_t expirations = 0;
  (void)!read(timer_, &expirations, sizeof(expirations));
  client_->Run();
  if (IsReadable(credentials_->fd())) {
    // Only Get() makes it quiet again, and perhaps nobody else calls that.
    next_renewal_ = absl::InfinitePast();
    for (const auto& reflector : reflectors_) reflector->OnCredentials();
  }
  RenewConnections();
  for (const auto& reflector : reflectors_) reflector->Tick();
}

void Source::RenewConnections() {
  const absl::Time now = SteadyNow();
  if (now < next_renewal_) return;
  next_renewal_ = now + kCredentialsEvery;
  const absl::StatusOr<Credentials> credentials =
      credentials_->Get(absl::Now());
  // Whoever sends the next request tells what is wrong.
  if (!credentials.ok()) return;
  const uint64_t before =
      std::exchange(tls_generation_, credentials->tls_generation);
  if (before == 0 || before == tls_generation_) return;
  for (const auto& reflector : reflectors_) reflector->Reconnect();
}

void Source::SetTimer() {
  absl::Time next = std::min(next_renewal_, failures_due_);
  for (const auto& reflector : reflectors_)
    next = std::min(next, reflector->next_tick());
  const absl::Duration wait =
      std::max(next - SteadyNow(), absl::Microseconds(1));
  itimerspec when = {};
  when.it_value = absl::ToTimespec(std::min(wait, absl::Hours(1)));
  timerfd_settime(timer_, 0, &when, nullptr);
}

// What failed since the last call. Kinds that fail alike do so within moments,
// and are told together.
absl::Status Source::NewFailures() {
  uint64_t errors = 0;
  std::set<std::string> texts;
  for (const auto& reflector : reflectors_) {
    errors += reflector->state().errors;
    if (!reflector->state().error.empty())
      texts.insert(reflector->state().error);
  }
  if (errors == told_errors_) return absl::OkStatus();
  const absl::Time now = SteadyNow();
  if (failures_due_ == absl::InfiniteFuture())
    failures_due_ = now + kGatherFailures;
  if (now < failures_due_) return absl::OkStatus();
  failures_due_ = absl::InfiniteFuture();
  told_errors_ = errors;
  // Perhaps all is well again.
  return texts.empty() ? absl::OkStatus()
                       : absl::UnavailableError(absl::StrJoin(texts, "; "));
}

std::vector<FollowedKind> Source::followed() const {
  std::vector<FollowedKind> all;
  for (const auto& reflector : reflectors_) all.push_back(reflector->state());
  return all;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KubeSource>> KubeSource::Create(
    KubeSourceOptions options) {
  if (options.server.server.empty())
    return absl::InvalidArgumentError("no API server is given");
  if (options.node_name.empty())
    return absl::InvalidArgumentError("the node's name is empty");
  auto source = std::make_unique<Source>(std::move(options));
  RETURN_IF_ERROR(source->Start());
  return source;
}

}  // namespace netpol
