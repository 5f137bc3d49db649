#include "tests/kernel/steady_traffic/change_log.h"

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

// Enough of a crowd to know it.
constexpr size_t kEventsShown = 4;

}  // namespace

void ChangeLog::Begin(const std::vector<v1::WatchEvent>& events) {
  std::string text;
  for (size_t i = 0; i < events.size() && i < kEventsShown; ++i)
    absl::StrAppend(&text, "  ", events[i].ShortDebugString(), "\n");
  if (events.size() > kEventsShown)
    absl::StrAppend(&text, "  and ", events.size() - kEventsShown, " more\n");
  const std::lock_guard<std::mutex> lock(mutex_);
  ++last_;
  texts_.push_back(absl::StrCat("batch ", last_, "\n", text));
  if (texts_.size() > kKept) texts_.pop_front();
}

int64_t ChangeLog::last() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_;
}

std::string ChangeLog::Since(int64_t first) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string text;
  int64_t number = last_ - static_cast<int64_t>(texts_.size()) + 1;
  for (const std::string& batch : texts_) {
    if (number++ >= first) text += batch;
  }
  return text;
}

}  // namespace netpol
