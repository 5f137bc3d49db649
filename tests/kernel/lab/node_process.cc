#include "tests/kernel/lab/node_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

absl::StatusOr<Pipe> OpenPipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "making a pipe");
  }
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  if (absl::StrContains(name, '/')) return name;
  const char* path = getenv("PATH");
  const std::string places =
      absl::StrCat(path == nullptr ? "" : path, ":/usr/sbin:/sbin");
  for (absl::string_view place :
       absl::StrSplit(places, ':', absl::SkipEmpty())) {
    std::string candidate = absl::StrCat(place, "/", name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::NotFoundError(absl::StrCat("no program ", name, " in ", places));
}

// Ours, with the entries of `extra` in place of those with their key.
std::vector<std::string> Environment(const std::vector<std::string>& extra) {
  std::vector<std::string> result = extra;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view text(*entry);
    const absl::string_view key = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(
        extra.begin(), extra.end(),
        [&](const std::string& e) { return absl::StartsWith(e, key); });
    if (!replaced) result.emplace_back(text);
  }
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, between fork and exec: only async-signal-safe calls. Leaves
// errno at `failure` if the program could not be started.
[[noreturn]] void BecomeProgram(const NetNs& ns, const int (&standard)[3],
                                const char* path, char* const* argv,
                                char* const* environment, int failure) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  bool ready = ns.is_of_caller() || setns(ns.fd(), CLONE_NEWNET) == 0;
  for (int i = 0; i < 3 && ready; ++i) {
    ready = standard[i] == i || dup2(standard[i], i) >= 0;
  }
  if (ready) execve(path, argv, environment);
  const int error = errno;
  // Nothing is left to tell if even this fails: the exit code says it.
  const ssize_t written = write(failure, &error, sizeof(error));
  _exit(written == sizeof(error) ? 127 : 126);
}

struct Child {
  pid_t pid = -1;
  FileDescriptor pidfd;
};

absl::StatusOr<int> Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

absl::StatusOr<Child> Spawn(const NetNs& ns, const Program& program,
                            const int (&standard)[3]) {
  if (program.argv.empty()) {
    return absl::InvalidArgumentError("starting a program without a name");
  }
  ASSIGN_OR_RETURN(const std::string path, FindProgram(program.argv.front()));
  std::vector<std::string> arguments = program.argv;
  std::vector<std::string> variables = Environment(program.environment);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> environment = Pointers(variables);
  ASSIGN_OR_RETURN(Pipe failure, OpenPipe());
  Child child;
  child.pid = fork();
  if (child.pid < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("forking for ", path));
  }
  if (child.pid == 0) {
    BecomeProgram(ns, standard, path.c_str(), argv.data(), environment.data(),
                  failure.write.get());
  }
  failure.write.Close();
  int error = 0;
  ssize_t got;
  do {
    got = read(failure.read.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  if (got == sizeof(error)) {
    RETURN_IF_ERROR(Reap(child.pid).status());
    return absl::ErrnoToStatus(error, absl::StrCat("starting ", path));
  }
  child.pidfd =
      FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd.valid()) {
    const int reason = errno;
    kill(child.pid, SIGKILL);
    RETURN_IF_ERROR(Reap(child.pid).status());
    return absl::ErrnoToStatus(reason, absl::StrCat("watching ", path));
  }
  return child;
}

int PollMilliseconds(absl::Time deadline) {
  const absl::Duration left =
      std::max(deadline - absl::Now(), absl::ZeroDuration());
  return static_cast<int>(std::min<int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))),
      1'000'000));
}

// Appends what can be read at once; closes `fd` at the end of the stream.
void ReadSome(FileDescriptor& fd, std::string& out) {
  char buffer[16384];
  while (fd.valid()) {
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      fd.Close();
      return;
    }
    out.append(buffer, static_cast<size_t>(got));
  }
}

// Writes what can be written at once; closes `fd` when all is written, or when
// the program stopped listening.
void WriteSome(FileDescriptor& fd, absl::string_view& input) {
  while (fd.valid() && !input.empty()) {
    const ssize_t put = write(fd.get(), input.data(), input.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) break;
    input.remove_prefix(static_cast<size_t>(put));
  }
  fd.Close();
}

// Feeds and listens until the program has ended.
absl::Status Converse(const Child& child, absl::string_view input,
                      absl::Time deadline, FileDescriptor in,
                      FileDescriptor out, FileDescriptor err,
                      ProgramResult& result) {
  for (const FileDescriptor* fd : {&in, &out, &err}) {
    fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }
  WriteSome(in, input);
  for (bool ended = false; !ended;) {
    pollfd watched[] = {{child.pidfd.get(), POLLIN, 0},
                        {in.get(), POLLOUT, 0},
                        {out.get(), POLLIN, 0},
                        {err.get(), POLLIN, 0}};
    const int ready = poll(watched, 4, PollMilliseconds(deadline));
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (ready == 0) {
      return absl::DeadlineExceededError("it ran longer than its time limit");
    }
    if (ready < 0) continue;
    ended = watched[0].revents != 0;
    if (watched[1].revents != 0) WriteSome(in, input);
    ReadSome(out, result.out);
    ReadSome(err, result.err);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProgramResult> RunProgram(const NetNs& ns,
                                         const Program& program) {
  // A program that does not read its input must not end us.
  signal(SIGPIPE, SIG_IGN);
  ASSIGN_OR_RETURN(Pipe in, OpenPipe());
  ASSIGN_OR_RETURN(Pipe out, OpenPipe());
  ASSIGN_OR_RETURN(Pipe err, OpenPipe());
  const absl::Time deadline = absl::Now() + program.limit;
  ASSIGN_OR_RETURN(
      const Child child,
      Spawn(ns, program, {in.read.get(), out.write.get(), err.write.get()}));
  in.read.Close();
  out.write.Close();
  err.write.Close();
  ProgramResult result;
  const absl::Status status =
      Converse(child, program.input, deadline, std::move(in.write),
               std::move(out.read), std::move(err.read), result);
  if (!status.ok()) kill(child.pid, SIGKILL);
  ASSIGN_OR_RETURN(result.exit_code, Reap(child.pid));
  if (!status.ok()) return Annotate(status, program.argv.front());
  return result;
}

absl::StatusOr<std::unique_ptr<NodeProcess>> NodeProcess::Start(
    const NetNs& ns, const Program& program, const std::string& log_path) {
  FileDescriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.valid()) return absl::ErrnoToStatus(errno, "opening /dev/null");
  int standard[3] = {input.get(), STDOUT_FILENO, STDERR_FILENO};
  FileDescriptor log;
  if (!log_path.empty()) {
    log = FileDescriptor(open(log_path.c_str(),
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.valid()) {
      return absl::ErrnoToStatus(errno, absl::StrCat("opening ", log_path));
    }
    standard[1] = standard[2] = log.get();
  }
  ASSIGN_OR_RETURN(Child child, Spawn(ns, program, standard));
  return std::unique_ptr<NodeProcess>(
      new NodeProcess(child.pid, std::move(child.pidfd)));
}

NodeProcess::~NodeProcess() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  Wait(absl::InfiniteDuration()).IgnoreError();
}

absl::StatusOr<int> NodeProcess::Wait(absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  while (!ended_) {
    pollfd watched = {pidfd_.get(), POLLIN, 0};
    const int ready = poll(&watched, 1, PollMilliseconds(deadline));
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (ready == 0 && absl::Now() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("process ", pid_, " still runs"));
    }
    if (ready <= 0) continue;
    ASSIGN_OR_RETURN(exit_code_, Reap(pid_));
    ended_ = true;
  }
  return exit_code_;
}

absl::StatusOr<int> NodeProcess::Terminate(absl::Duration limit) {
  if (!ended_) kill(pid_, SIGTERM);
  return Wait(limit);
}

}  // namespace netpol
