// Runs an exec plugin and waits for it by a descriptor.
#ifndef NETPOL_WATCH_KUBE_EXEC_PLUGIN_H_
#define NETPOL_WATCH_KUBE_EXEC_PLUGIN_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/exec_credential.h"

namespace netpol {

// Runs the program of an ExecPluginConfig, one process at a time: without a
// shell, in a process group of its own, without input, its errors thrown away,
// and with no descriptor of ours but its output. Uses no thread and no signal
// handler, and waits for no process but its own. Thread-compatible.
class ExecPlugin {
 public:
  struct Options {
    // By the monotonic clock; then the process group is killed.
    absl::Duration time_limit = absl::Seconds(60);
    size_t max_output =
        1 << 20;  // Bytes; a program that prints more is killed.
  };

  static absl::StatusOr<std::unique_ptr<ExecPlugin>> Create(
      ExecPluginConfig config, Options options);
  // Kills what still runs.
  ~ExecPlugin();
  ExecPlugin(const ExecPlugin&) = delete;
  ExecPlugin& operator=(const ExecPlugin&) = delete;

  // Starts the program; it must not be running. Errors name the command; if it
  // is missing, they give the hint of the configuration how to install it.
  absl::Status Start();
  bool running() const { return pid_ > 0; }

  // Never waits. Nothing while the program runs (or none was started); once it
  // has ended, what it handed out or why there is nothing. An error names the
  // command and quotes nothing that was printed.
  absl::optional<absl::StatusOr<ExecCredential>> Poll();

  // Readable when Poll() has work to do, which is some times a second while the
  // program runs and never otherwise (epoll). Owned by this.
  int fd() const { return epoll_fd_; }

 private:
  ExecPlugin(ExecPluginConfig config, Options options, int epoll_fd,
             int timer_fd)
      : config_(std::move(config)),
        options_(options),
        epoll_fd_(epoll_fd),
        timer_fd_(timer_fd) {}

  absl::Status Spawn(int output);
  void Drain();
  bool Reap();
  void Kill(absl::Status why);
  void ClosePipe();
  void Tick(absl::Duration interval);
  absl::StatusOr<ExecCredential> Result() const;

  const ExecPluginConfig config_;
  const Options options_;
  const int epoll_fd_;
  const int timer_fd_;

  pid_t pid_ = -1;
  int pipe_fd_ = -1;
  std::string output_;
  absl::Duration deadline_;  // Of the monotonic clock, since its zero.
  absl::Status killed_;      // Why we killed it.
  int exit_status_ = 0;      // As of waitpid(2).
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_EXEC_PLUGIN_H_
