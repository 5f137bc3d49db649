#include "netpol/watch/manifests/manifest_store.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/message_differencer.h"

namespace netpol {
namespace {

// Coarser than any clock tick that file systems take their times from.
constexpr absl::Duration kClockGrain = absl::Milliseconds(50);

bool IsAtOrBelow(const std::string& file, const std::string& folder) {
  return file == folder ||
         absl::StartsWith(file, absl::EndsWith(folder, "/")
                                    ? folder
                                    : absl::StrCat(folder, "/"));
}

bool SameContent(const ManifestObject& a, const ManifestObject& b) {
  return a.event == b.event ||
         google::protobuf::util::MessageDifferencer::Equals(*a.event, *b.event);
}

v1::WatchEvent DeletionOf(const v1::WatchEvent& upsert) {
  v1::WatchEvent event;
  event.set_type(v1::WatchEvent::DELETE);
  const auto identify = [](const k8s::ObjectMeta& from, k8s::ObjectMeta* to) {
    to->set_name(from.name());
    if (from.has_namespace_()) to->set_namespace_(from.namespace_());
  };
  switch (upsert.object_case()) {
    case v1::WatchEvent::kNamespace:
      identify(upsert.namespace_().metadata(),
               event.mutable_namespace_()->mutable_metadata());
      break;
    case v1::WatchEvent::kPod:
      identify(upsert.pod().metadata(),
               event.mutable_pod()->mutable_metadata());
      break;
    case v1::WatchEvent::kNode:
      identify(upsert.node().metadata(),
               event.mutable_node()->mutable_metadata());
      break;
    case v1::WatchEvent::kNetworkPolicy:
      identify(upsert.network_policy().metadata(),
               event.mutable_network_policy()->mutable_metadata());
      break;
    case v1::WatchEvent::OBJECT_NOT_SET:
      break;
  }
  return event;
}

}  // namespace

ManifestStore::ManifestStore(std::vector<std::string> paths)
    : paths_(std::move(paths)) {}

absl::Status ManifestStore::CheckPaths() const {
  if (paths_.empty()) {
    return absl::InvalidArgumentError(
        "no path to read manifests from; name a file or a folder");
  }
  ManifestWalk walk(nullptr);
  for (const std::string& path : paths_) {
    std::vector<FoundFile> files;
    std::vector<std::pair<std::string, absl::Status>> failures;
    absl::Status status = walk.Visit(path, &files, &failures);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::vector<v1::WatchEvent> ManifestStore::Refresh(
    const ManifestWalk::PlaceSink& places) {
  problems_.clear();
  ManifestWalk walk(places);
  std::vector<File> files;
  for (const std::string& path : paths_) {
    for (File& file : VisitPath(path, &walk)) files.push_back(std::move(file));
  }
  Owned owned = Merge(files);

  std::vector<v1::WatchEvent> events;
  for (const auto& [key, object] : owned) {
    auto before = told_.find(key);
    if (before == told_.end() || !SameContent(before->second, object)) {
      events.push_back(*object.event);
    }
  }
  for (const auto& [key, object] : told_) {
    if (!owned.contains(key)) events.push_back(DeletionOf(*object.event));
  }
  told_ = std::move(owned);
  files_.clear();
  for (File& file : files) {
    std::string path = file.path;
    files_.emplace(std::move(path), std::move(file));
  }
  std::sort(problems_.begin(), problems_.end());
  problems_.erase(std::unique(problems_.begin(), problems_.end()),
                  problems_.end());
  return events;
}

std::vector<ManifestStore::File> ManifestStore::VisitPath(
    const std::string& path, ManifestWalk* walk) {
  std::vector<File> files;
  std::vector<FoundFile> found;
  std::vector<std::pair<std::string, absl::Status>> failures;
  const absl::Status status = walk->Visit(path, &found, &failures);
  for (FoundFile& file : found) files.push_back(Load(std::move(file)));
  if (!status.ok()) TakeOld(path, status, &files);
  for (const auto& [place, why] : failures) TakeOld(place, why, &files);
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

ManifestStore::File ManifestStore::Load(FoundFile found) {
  File before;
  if (auto it = files_.find(found.path); it != files_.end()) {
    before = std::move(it->second);
    files_.erase(it);
    if (before.settled && before.stamp == found.stamp) return before;
  }
  File file;
  file.path = std::move(found.path);
  absl::StatusOr<std::string> text = ReadManifestFile(file.path, &file.stamp);
  if (!text.ok()) {
    file.status = text.status();
    file.reading = std::move(before.reading);
    file.kept = std::move(before.kept);
    return file;
  }
  const absl::Time changed = absl::FromUnixNanos(
      std::max(file.stamp.modified_ns, file.stamp.changed_ns));
  file.settled = absl::Now() - changed > kClockGrain;
  file.reading = ReadManifestText(file.path, *text);
  KeepUnreadable(before, &file);
  return file;
}

void ManifestStore::KeepUnreadable(const File& before, File* file) const {
  for (const ManifestKey& key : file->reading.unreadable) {
    // It may have come from another file until now.
    auto known = told_.find(key);
    if (known != told_.end()) file->kept.push_back(known->second);
  }
  if (!file->reading.has_unreadable_parts) return;
  for (const auto* objects : {&before.reading.objects, &before.kept}) {
    file->kept.insert(file->kept.end(), objects->begin(), objects->end());
  }
}

void ManifestStore::TakeOld(const std::string& path, const absl::Status& why,
                            std::vector<File>* files) {
  std::vector<std::string> kept;
  for (const auto& entry : files_) {
    if (IsAtOrBelow(entry.first, path)) kept.push_back(entry.first);
  }
  for (const std::string& name : kept) {
    auto it = files_.find(name);
    files->push_back(std::move(it->second));
    files_.erase(it);
  }
  AddProblem(SourceProblem::Severity::kError, path,
             absl::StrCat(why.message(),
                          kept.empty() ? "" : "; what it gave before stays"));
}

ManifestStore::Owned ManifestStore::Merge(const std::vector<File>& files) {
  Owned owned;
  absl::flat_hash_map<const v1::WatchEvent*, const File*> origin;
  for (const File& file : files) {
    if (!file.status.ok()) {
      AddProblem(
          SourceProblem::Severity::kError, file.path,
          absl::StrCat(file.status.message(), "; what it gave before stays"));
    }
    problems_.insert(problems_.end(), file.reading.problems.begin(),
                     file.reading.problems.end());
    for (const ManifestObject& object : file.reading.objects) {
      auto [it, added] = owned.emplace(object.key, object);
      if (added) {
        origin[object.event.get()] = &file;
        continue;
      }
      const ManifestObject& first = it->second;
      SourceProblem problem;
      problem.file = file.path;
      problem.line = object.position.line;
      problem.column = object.position.column;
      problem.object = object.key.ToString();
      problem.message = absl::StrCat(
          "given twice; the one at ", origin[first.event.get()]->path, ":",
          first.position.line, " counts, this one does not");
      problems_.push_back(std::move(problem));
    }
  }
  for (const File& file : files) {
    for (const ManifestObject& object : file.kept) {
      owned.emplace(object.key, object);
    }
  }
  return owned;
}

void ManifestStore::AddProblem(SourceProblem::Severity severity,
                               const std::string& file, std::string message) {
  SourceProblem problem;
  problem.severity = severity;
  problem.file = file;
  problem.message = std::move(message);
  problems_.push_back(std::move(problem));
}

}  // namespace netpol
