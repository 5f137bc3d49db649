#include "netpol/watch/manifests/file_watcher.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
                             IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                             IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

absl::Duration Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

absl::Status Failed(absl::string_view what) {
  return absl::ErrnoToStatus(
      errno, absl::StrCat("cannot ", what, " to follow manifest files"));
}

// "/a/b" to "/a" and "b"; a trailing slash does not count.
std::pair<std::string, std::string> SplitPath(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileWatcher>> FileWatcher::Create(
    Options options) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  const int timer_fd =
      timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const absl::Status status = Failed("open descriptors");
  // Owns the descriptors from here on, whatever they are.
  std::unique_ptr<FileWatcher> watcher(
      new FileWatcher(std::move(options), epoll_fd, inotify_fd, timer_fd));
  if (epoll_fd < 0 || inotify_fd < 0 || timer_fd < 0) return status;
  for (const int fd : {inotify_fd, timer_fd}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
      return Failed("wait");
    }
  }
  return watcher;
}

FileWatcher::~FileWatcher() {
  for (const int fd : {epoll_fd_, inotify_fd_, timer_fd_}) {
    if (fd >= 0) close(fd);
  }
}

void FileWatcher::BeginRound() {
  ++round_;
  watch_status_ = absl::OkStatus();
  first_event_.reset();
  // Whoever still writes will be noticed by the next write.
  being_written_.clear();
}

void FileWatcher::Watch(const std::string& path) {
  if (Place* place = Add(path)) place->all_names = true;
}

void FileWatcher::WatchArrival(const std::string& path) {
  // The nearest folder above that exists, for the name that leads down.
  auto [folder, name] = SplitPath(path);
  while (access(folder.c_str(), F_OK) != 0 && folder != "/" && folder != ".") {
    std::tie(folder, name) = SplitPath(folder);
  }
  if (Place* place = Add(folder)) place->names.insert(name);
}

absl::Status FileWatcher::EndRound() {
  for (auto it = places_.begin(); it != places_.end();) {
    if (it->second.round == round_) {
      ++it;
      continue;
    }
    inotify_rm_watch(inotify_fd_, it->first);
    places_.erase(it++);
  }
  last_round_ = Monotonic();
  ArmTimer(Due());
  return watch_status_;
}

bool FileWatcher::Await(absl::Duration timeout) {
  const absl::Duration deadline = Monotonic() + timeout;
  while (true) {
    Drain();
    const absl::Duration now = Monotonic();
    const absl::Duration due = Due();
    if (now >= due) return true;
    ArmTimer(due);
    if (now >= deadline) return false;
    pollfd waiting = {};
    waiting.fd = epoll_fd_;
    waiting.events = POLLIN;
    // At most an hour, for the sake of the type; then around again.
    const absl::Duration wait =
        std::min({due - now, deadline - now, absl::Hours(1)});
    const timespec limit = absl::ToTimespec(wait);
    ppoll(&waiting, 1, &limit, nullptr);
  }
}

FileWatcher::Place* FileWatcher::Add(const std::string& path) {
  const int watch = inotify_add_watch(inotify_fd_, path.c_str(), kEvents);
  if (watch < 0) {
    // What is gone has shown, or will, in the folder above.
    if (errno != ENOENT && errno != ENOTDIR && watch_status_.ok()) {
      watch_status_ = absl::ErrnoToStatus(
          errno,
          absl::StrCat(
              "cannot watch ", path,
              errno == ENOSPC ? " (raise fs.inotify.max_user_watches)" : ""));
    }
    return nullptr;
  }
  Place* place = &places_[watch];
  if (place->round != round_) *place = Place();
  place->round = round_;
  return place;
}

void FileWatcher::Drain() {
  alignas(inotify_event) char buffer[16384];
  while (true) {
    const ssize_t length = read(inotify_fd_, buffer, sizeof(buffer));
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return;
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      OnEvent(*event);
      at += static_cast<ssize_t>(sizeof(*event) + event->len);
    }
  }
}

void FileWatcher::OnEvent(const inotify_event& event) {
  const std::string name = event.len > 0 ? event.name : "";
  if ((event.mask & IN_IGNORED) != 0) {
    places_.erase(event.wd);
    absl::erase_if(being_written_, [&event](const auto& file) {
      return file.first == event.wd;
    });
    return;
  }
  if ((event.mask & IN_Q_OVERFLOW) == 0) {
    auto place = places_.find(event.wd);
    if (place == places_.end()) return;
    if (!place->second.all_names && !name.empty() &&
        !place->second.names.contains(name)) {
      return;
    }
  }
  const std::pair<int, std::string> file(event.wd, name);
  if ((event.mask & IN_MODIFY) != 0) {
    if (name.empty() || options_.is_content(name)) being_written_.insert(file);
  } else if ((event.mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM |
                            IN_MOVED_TO | IN_DELETE_SELF)) != 0) {
    being_written_.erase(file);
  }
  last_event_ = Monotonic();
  if (!first_event_.has_value()) first_event_ = last_event_;
}

absl::Duration FileWatcher::Due() const {
  if (!first_event_.has_value()) return last_round_ + options_.rescan;
  const absl::Duration latest = *first_event_ + options_.longest;
  if (!being_written_.empty()) return latest;
  return std::min(last_event_ + options_.quiet, latest);
}

void FileWatcher::ArmTimer(absl::Duration at) {
  itimerspec timer = {};
  timer.it_value = absl::ToTimespec(at);
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &timer, nullptr);
}

}  // namespace netpol
