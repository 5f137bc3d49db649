#include "tests/deploy/daemon_set_manifest.h"

#include <fstream>
#include <sstream>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

using nlohmann::json;

constexpr char kPath[] = "netpol/daemon/deploy/daemonset.yaml";

}  // namespace

absl::StatusOr<DaemonSetManifest> DaemonSetManifest::Read() {
  std::stringstream text;
  text << std::ifstream(kPath).rdbuf();
  ASSIGN_OR_RETURN(std::vector<json> objects, JsonOfManifest(text.str()));
  DaemonSetManifest manifest(std::move(objects));
  manifest.pod_ = At(manifest.Object("DaemonSet"), "/spec/template/spec");
  const json containers = At(manifest.pod_, "/containers");
  if (containers.size() != 1)
    return absl::InvalidArgumentError(absl::StrCat(kPath, ": one container"));
  manifest.container_ = containers.front();
  return manifest;
}

json DaemonSetManifest::Object(absl::string_view kind) const {
  json found;
  for (const json& object : objects_) {
    if (TextAt(object, "/kind") != kind) continue;
    if (!found.is_null()) return json();
    found = object;
  }
  return found;
}

std::vector<std::string> DaemonSetManifest::Arguments() const {
  return TextsAt(container_, "/args");
}

std::vector<std::string> DaemonSetManifest::Capabilities() const {
  return TextsAt(container_, "/securityContext/capabilities/add");
}

absl::StatusOr<std::vector<std::string>> DaemonSetManifest::Environment(
    const std::string& node_name) const {
  std::vector<std::string> environment;
  for (const json& variable : At(container_, "/env")) {
    std::string value = TextAt(variable, "/value");
    if (TextAt(variable, "/valueFrom/fieldRef/fieldPath") == "spec.nodeName")
      value = node_name;
    if (value.empty())
      return absl::InvalidArgumentError("environment: " + variable.dump());
    environment.push_back(absl::StrCat(TextAt(variable, "/name"), "=", value));
  }
  return environment;
}

absl::StatusOr<std::vector<HostPathMount>> DaemonSetManifest::Mounts() const {
  absl::btree_map<std::string, json> volumes;
  for (const json& volume : At(pod_, "/volumes"))
    volumes[TextAt(volume, "/name")] = volume;
  std::vector<HostPathMount> mounts;
  for (const json& mount : At(container_, "/volumeMounts")) {
    const std::string name = TextAt(mount, "/name");
    const auto volume = volumes.find(name);
    if (volume == volumes.end())
      return absl::InvalidArgumentError("mount without volume: " + name);
    mounts.push_back({name, TextAt(volume->second, "/hostPath/path"),
                      TextAt(volume->second, "/hostPath/type"),
                      TextAt(mount, "/mountPath"),
                      At(mount, "/readOnly") == true});
    if (mounts.back().host_path.empty())
      return absl::InvalidArgumentError("not a hostPath: " + name);
    volumes.erase(volume);
  }
  if (!volumes.empty()) {
    return absl::InvalidArgumentError("volume without mount: " +
                                      volumes.begin()->first);
  }
  return mounts;
}

json At(const json& object, const std::string& pointer) {
  const json::json_pointer place(pointer);
  return object.contains(place) ? object.at(place) : json();
}

std::string TextAt(const json& object, const std::string& pointer) {
  const json found = At(object, pointer);
  return found.is_string() ? found.get<std::string>() : "";
}

std::vector<std::string> TextsAt(const json& object,
                                 const std::string& pointer) {
  std::vector<std::string> texts;
  for (const json& element : At(object, pointer)) {
    if (element.is_string()) texts.push_back(element.get<std::string>());
  }
  return texts;
}

}  // namespace netpol
