#include "netpol/watch/manifests/manifest_source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/manifests/manifest_walk.h"

namespace netpol {

absl::StatusOr<std::unique_ptr<ManifestSource>> ManifestSource::Create(
    std::vector<std::string> paths) {
  ManifestStore store(std::move(paths));
  RETURN_IF_ERROR(store.CheckPaths());
  FileWatcher::Options options;
  options.is_content = IsManifestName;
  ASSIGN_OR_RETURN(std::unique_ptr<FileWatcher> watcher,
                   FileWatcher::Create(std::move(options)));
  return std::unique_ptr<ManifestSource>(
      new ManifestSource(std::move(store), std::move(watcher)));
}

absl::Status ManifestSource::Poll(absl::Duration timeout,
                                  const EventSink& events,
                                  const ProblemSink& new_problems) {
  if (listed_ && !watcher_->Await(timeout)) return absl::OkStatus();
  watcher_->BeginRound();
  for (const std::string& path : store_.paths()) watcher_->WatchArrival(path);
  std::vector<v1::WatchEvent> changes = store_.Refresh(
      [this](const std::string& place) { watcher_->Watch(place); });
  const absl::Status watching = watcher_->EndRound();
  for (v1::WatchEvent& event : changes) events(std::move(event));
  if (!listed_) {
    for (const auto kind :
         {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD, v1::WatchEvent::NODE,
          v1::WatchEvent::NETWORK_POLICY}) {
      v1::WatchEvent listed;
      listed.set_type(v1::WatchEvent::LISTED);
      listed.set_listed_kind(kind);
      events(std::move(listed));
    }
    listed_ = true;
  }
  UpdateProblems(watching, new_problems);
  return absl::OkStatus();
}

void ManifestSource::UpdateProblems(const absl::Status& watching,
                                    const ProblemSink& new_problems) {
  std::vector<SourceProblem> before = std::move(problems_);
  problems_ = store_.problems();
  if (!watching.ok()) {
    SourceProblem problem;
    problem.severity = SourceProblem::Severity::kWarning;
    problem.message = absl::StrCat(
        watching.message(), "; changes there are noticed every 10 s only");
    problems_.insert(
        std::lower_bound(problems_.begin(), problems_.end(), problem), problem);
  }
  for (const SourceProblem& problem : problems_) {
    if (!std::binary_search(before.begin(), before.end(), problem)) {
      new_problems(problem);
    }
  }
}

absl::StatusOr<ManifestSet> ReadManifests(std::vector<std::string> paths) {
  ManifestStore store(std::move(paths));
  RETURN_IF_ERROR(store.CheckPaths());
  ManifestSet set;
  set.objects = store.Refresh(nullptr);
  set.problems = store.problems();
  return set;
}

}  // namespace netpol
