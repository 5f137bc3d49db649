// Tells when files and folders may have changed, through inotify(7).
#ifndef NETPOL_WATCH_MANIFESTS_FILE_WATCHER_H_
#define NETPOL_WATCH_MANIFESTS_FILE_WATCHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

struct inotify_event;

namespace netpol {

// Watches a set of places that is named anew in each round:
//
//   BeginRound(); Watch(…) …; look at the files; EndRound();
//   Await(…)  // true: time for the next round
//
// A place must be watched before it is looked at, so that no change falls
// between. Thread-compatible.
class FileWatcher {
 public:
  struct Options {
    // A change is told when this long nothing more happened, so that what is
    // being written is complete …
    absl::Duration quiet = absl::Milliseconds(100);
    // … and no content file is open that was written to; but after this long
    // in any case.
    absl::Duration longest = absl::Seconds(5);
    // A round is due after this long without any change: network file systems
    // and links of links change without a sign.
    absl::Duration rescan = absl::Seconds(10);
    // The names of files whose content matters.
    std::function<bool(absl::string_view name)> is_content;
  };

  static absl::StatusOr<std::unique_ptr<FileWatcher>> Create(Options options);
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // Becomes readable when Await would do something; only Await and EndRound
  // make it quiet again. Owned by the watcher.
  int fd() const { return epoll_fd_; }

  void BeginRound();
  // A folder and its entries, or a file (of a symbolic link: what it leads to).
  void Watch(const std::string& path);
  // The coming and going of `path`, whether it exists or not.
  void WatchArrival(const std::string& path);
  // Ends the watch of places that were not named in this round. An error names
  // a place that could not be watched; the rest is.
  absl::Status EndRound();

  // True as soon as a round is due; false when that is not so within
  // `timeout`.
  bool Await(absl::Duration timeout);

 private:
  struct Place {
    bool all_names = false;
    absl::flat_hash_set<std::string> names;
    int64_t round = 0;
  };

  FileWatcher(Options options, int epoll_fd, int inotify_fd, int timer_fd)
      : options_(std::move(options)),
        epoll_fd_(epoll_fd),
        inotify_fd_(inotify_fd),
        timer_fd_(timer_fd) {}

  Place* Add(const std::string& path);
  void Drain();
  void OnEvent(const inotify_event& event);
  absl::Duration Due() const;
  void ArmTimer(absl::Duration at);

  const Options options_;
  const int epoll_fd_;
  const int inotify_fd_;
  const int timer_fd_;

  absl::flat_hash_map<int, Place> places_;  // By watch descriptor.
  // Written to and not yet closed: watch descriptor and name.
  absl::flat_hash_set<std::pair<int, std::string>> being_written_;
  int64_t round_ = 0;
  absl::Status watch_status_;
  // Times of the monotonic clock, since its zero.
  absl::Duration last_round_;
  absl::optional<absl::Duration> first_event_;
  absl::Duration last_event_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_FILE_WATCHER_H_
