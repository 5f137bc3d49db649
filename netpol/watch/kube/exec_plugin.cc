#include "netpol/watch/kube/exec_plugin.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// How often we look whether it has ended. Not by pidfd_open(2), which kernels
// before 5.3 lack, nor by the end of its output, which a grandchild may hold
// open.
constexpr absl::Duration kTick = absl::Milliseconds(50);

absl::Duration Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

bool Await(int epoll_fd, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Our environment with that of the configuration, each name once.
std::vector<std::string> EnvironmentOf(const ExecPluginConfig& config) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == absl::string_view::npos) continue;
    values[std::string(text.substr(0, equals))] =
        std::string(text.substr(equals + 1));
  }
  for (const auto& [name, value] : config.env) values[name] = value;
  values["KUBERNETES_EXEC_INFO"] = ExecInfo(config);
  std::vector<std::string> entries;
  for (const auto& [name, value] : values) {
    entries.push_back(absl::StrCat(name, "=", value));
  }
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& text : *strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Signals as a fresh process has them, whatever our host blocks or ignores, and
// a process group that can be killed as one.
void SetAttributes(posix_spawnattr_t* attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  posix_spawnattr_setpgroup(attributes, 0);
  posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETSIGDEF |
                                           POSIX_SPAWN_SETPGROUP);
}

void SetDescriptors(int output, posix_spawn_file_actions_t* actions) {
  // First, for `output` may be one of the other two in a host without them.
  posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

absl::Status CannotStart(const ExecPluginConfig& config, int error) {
  const bool missing = error == ENOENT;
  std::string text = absl::StrCat(
      "cannot run the exec plugin ", config.command, ": ",
      absl::ErrnoToStatus(error, missing ? "not found" : "failed").message());
  if (missing && !config.install_hint.empty()) {
    std::string hint = config.install_hint;
    // On one line.
    absl::RemoveExtraAsciiWhitespace(&hint);
    absl::StrReplaceAll({{"\n", " "}}, &hint);
    absl::StrAppend(&text, "; ", hint);
  } else if (missing) {
    absl::StrAppend(&text, "; install it, or correct the kubeconfig or PATH");
  }
  return missing ? absl::NotFoundError(text)
                 : absl::FailedPreconditionError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExecPlugin>> ExecPlugin::Create(
    ExecPluginConfig config, Options options) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int timer_fd =
      timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const std::string failure = absl::StrCat(
      "cannot open descriptors for the exec plugin ", config.command);
  // Owns the descriptors from here on, whatever they are.
  std::unique_ptr<ExecPlugin> plugin(
      new ExecPlugin(std::move(config), options, epoll_fd, timer_fd));
  if (epoll_fd < 0 || timer_fd < 0 || !Await(epoll_fd, timer_fd)) {
    return absl::ResourceExhaustedError(failure);
  }
  return plugin;
}

ExecPlugin::~ExecPlugin() {
  if (running() && !Reap()) {
    Kill(absl::CancelledError());
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ClosePipe();
  for (const int fd : {epoll_fd_, timer_fd_}) {
    if (fd >= 0) close(fd);
  }
}

absl::Status ExecPlugin::Start() {
  if (running()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the exec plugin ", config_.command, " runs already"));
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return CannotStart(config_, errno);
  const absl::Cleanup closer = [&ends] { close(ends[1]); };
  pipe_fd_ = ends[0];
  // Only our end: the program may expect its own to wait.
  fcntl(pipe_fd_, F_SETFL, O_NONBLOCK);
  const absl::Status status =
      Await(epoll_fd_, pipe_fd_) ? Spawn(ends[1]) : CannotStart(config_, errno);
  if (!status.ok()) {
    ClosePipe();
    return status;
  }
  output_.clear();
  killed_ = absl::OkStatus();
  exit_status_ = 0;
  deadline_ = Monotonic() + options_.time_limit;
  Tick(kTick);
  return absl::OkStatus();
}

absl::Status ExecPlugin::Spawn(int output) {
  std::vector<std::string> arguments = {config_.command};
  arguments.insert(arguments.end(), config_.args.begin(), config_.args.end());
  std::vector<std::string> environment = EnvironmentOf(config_);

  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_init(&actions);
  SetAttributes(&attributes);
  SetDescriptors(output, &actions);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, config_.command.c_str(), &actions, &attributes,
                   Pointers(&arguments).data(), Pointers(&environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return CannotStart(config_, error);
  pid_ = pid;
  return absl::OkStatus();
}

absl::optional<absl::StatusOr<ExecCredential>> ExecPlugin::Poll() {
  if (!running()) return absl::nullopt;
  uint64_t ticks = 0;
  // Quiet until the next tick; that there was none is no error.
  if (read(timer_fd_, &ticks, sizeof(ticks)) < 0) ticks = 0;
  // Before the output is read: what it printed by then is all of it.
  const bool ended = Reap();
  Drain();
  if (!ended) {
    if (output_.size() > options_.max_output) {
      Kill(absl::ResourceExhaustedError(absl::StrCat(
          "it printed more than ", options_.max_output, " bytes")));
    } else if (Monotonic() >= deadline_) {
      Kill(absl::DeadlineExceededError(absl::StrCat(
          "it did not end within ", absl::FormatDuration(options_.time_limit),
          " and was killed")));
    }
    return absl::nullopt;
  }
  pid_ = -1;
  ClosePipe();
  Tick(absl::ZeroDuration());
  absl::StatusOr<ExecCredential> result = Result();
  output_.clear();
  if (result.ok()) return result;
  return absl::StatusOr<ExecCredential>(
      Annotate(result.status(), absl::StrCat("exec plugin ", config_.command)));
}

void ExecPlugin::Drain() {
  char buffer[16384];
  while (pipe_fd_ >= 0 && output_.size() <= options_.max_output) {
    const ssize_t got = read(pipe_fd_, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      ClosePipe();
      return;
    }
    output_.append(buffer, static_cast<size_t>(got));
  }
}

bool ExecPlugin::Reap() {
  pid_t got = -1;
  do {
    got = waitpid(pid_, &exit_status_, WNOHANG);
  } while (got < 0 && errno == EINTR);
  // ECHILD: our host ignores SIGCHLD or has waited itself. The output tells
  // whether all went well.
  if (got < 0) exit_status_ = 0;
  return got != 0;
}

void ExecPlugin::Kill(absl::Status why) {
  if (!killed_.ok()) return;
  killed_ = std::move(why);
  kill(-pid_, SIGKILL);
  ClosePipe();
}

void ExecPlugin::ClosePipe() {
  if (pipe_fd_ < 0) return;
  // Closing alone would not do it while a fork of our host has a copy.
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, pipe_fd_, nullptr);
  close(pipe_fd_);
  pipe_fd_ = -1;
}

void ExecPlugin::Tick(absl::Duration interval) {
  itimerspec timer = {};
  timer.it_value = absl::ToTimespec(interval);
  timer.it_interval = timer.it_value;
  timerfd_settime(timer_fd_, 0, &timer, nullptr);
}

absl::StatusOr<ExecCredential> ExecPlugin::Result() const {
  constexpr absl::string_view kAdvice =
      "; run it by hand as the same user to see why";
  RETURN_IF_ERROR(killed_);
  if (output_.size() > options_.max_output) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it printed more than ", options_.max_output, " bytes"));
  }
  if (WIFSIGNALED(exit_status_)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it was ended by signal ", WTERMSIG(exit_status_), kAdvice));
  }
  if (WEXITSTATUS(exit_status_) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it ended with exit code ", WEXITSTATUS(exit_status_), kAdvice));
  }
  return ParseExecCredential(output_, config_.api_version);
}

}  // namespace netpol
