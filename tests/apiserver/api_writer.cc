#include "tests/apiserver/api_writer.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

using nlohmann::json;

constexpr int kThreads = 8;
constexpr absl::string_view kMergePatch = "application/merge-patch+json";

std::string Text(const json& object, absl::string_view key) {
  const auto found = object.find(std::string(key));
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string();
}

std::string MetadataText(const json& object, absl::string_view key) {
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? "" : Text(*metadata, key);
}

// "networkpolicies" of "NetworkPolicy": all kinds that are used here follow it.
std::string Plural(absl::string_view kind) {
  const std::string lower = absl::AsciiStrToLower(kind);
  if (absl::EndsWith(lower, "y"))
    return absl::StrCat(lower.substr(0, lower.size() - 1), "ies");
  return absl::StrCat(lower, absl::EndsWith(lower, "s") ? "es" : "s");
}

bool IsA(absl::string_view kind, const json& object) {
  return Text(object, "kind") == kind;
}

json WithoutServersFields(json object) {
  for (const char* field : {"uid", "resourceVersion", "creationTimestamp",
                            "deletionTimestamp", "managedFields"}) {
    object["metadata"].erase(field);
  }
  return object;
}

// A merge patch that leaves a pod or node with these addresses and no others.
json StatusPatch(const json& object) {
  json status = object.value("status", json::object());
  for (const char* field : {"podIP", "podIPs", "hostIP", "hostIPs"}) {
    if (IsA("Pod", object) && !status.contains(field)) status[field] = nullptr;
  }
  if (IsA("Node", object) && !status.contains("addresses"))
    status["addresses"] = nullptr;
  // The server wants them to agree.
  const std::string host = Text(status, "hostIP");
  if (!host.empty()) status["hostIPs"] = json::array({{{"ip", host}}});
  return {{"status", status}};
}

std::string Describe(const ApiRequest& request) {
  return absl::StrCat(request.method, " ", request.target);
}

}  // namespace

json ObjectName(absl::string_view api_version, absl::string_view kind,
                absl::string_view ns, absl::string_view name) {
  json object = {{"apiVersion", std::string(api_version)},
                 {"kind", std::string(kind)},
                 {"metadata", {{"name", std::string(name)}}}};
  if (!ns.empty()) object["metadata"]["namespace"] = std::string(ns);
  return object;
}

std::string CollectionPathOf(const json& object) {
  const std::string version = Text(object, "apiVersion");
  const std::string ns = MetadataText(object, "namespace");
  return absl::StrCat(absl::StrContains(version, '/') ? "/apis/" : "/api/",
                      version, ns.empty() ? "" : "/namespaces/", ns, "/",
                      Plural(Text(object, "kind")));
}

std::string PathOf(const json& object) {
  return absl::StrCat(CollectionPathOf(object), "/",
                      MetadataText(object, "name"));
}

absl::StatusOr<std::string> ApiWriter::Send(const ApiRequest& request) {
  ASSIGN_OR_RETURN(ApiResponse response, connection_.Send(request));
  RETURN_IF_ERROR(StatusOf(response, Describe(request)));
  return std::move(response.body);
}

absl::Status ApiWriter::Create(const json& object) {
  ApiRequest request;
  request.method = "POST";
  request.target = CollectionPathOf(object);
  request.body = WithoutServersFields(object).dump();
  RETURN_IF_ERROR(
      Annotate(Send(request).status(), MetadataText(object, "name")));
  if (!IsA("Pod", object) || !object.contains("status"))
    return absl::OkStatus();
  return Patch(object, StatusPatch(object), "status");
}

absl::Status ApiWriter::Replace(const json& object) {
  ApiRequest request;
  request.method = "PUT";
  request.target = PathOf(object);
  request.body = WithoutServersFields(object).dump();
  RETURN_IF_ERROR(Send(request).status());
  if (!IsA("Pod", object) && !IsA("Node", object)) return absl::OkStatus();
  return Patch(object, StatusPatch(object), "status");
}

absl::Status ApiWriter::Apply(const json& object) {
  absl::Status status = Create(object);
  if (absl::IsAlreadyExists(status)) status = Replace(object);
  const bool may_be_made_anew = IsA("Pod", object) || IsA("Node", object);
  if (absl::IsInvalidArgument(status) && may_be_made_anew) {
    const absl::Status deleted = Delete(object);
    // Not there: it was Create that the server refused.
    if (absl::IsNotFound(deleted)) return status;
    RETURN_IF_ERROR(deleted);
    status = Create(object);
  }
  RETURN_IF_ERROR(status);
  return MetadataText(object, "deletionTimestamp").empty() ? absl::OkStatus()
                                                           : Terminate(object);
}

absl::Status ApiWriter::Patch(const json& object, const json& merge_patch,
                              absl::string_view subresource) {
  ApiRequest request;
  request.method = "PATCH";
  request.target =
      absl::StrCat(PathOf(object), subresource.empty() ? "" : "/", subresource);
  request.body = merge_patch.dump();
  request.content_type = std::string(kMergePatch);
  return Send(request).status();
}

absl::Status ApiWriter::Delete(const json& object) {
  const bool is_namespace = IsA("Namespace", object);
  if (is_namespace) RETURN_IF_ERROR(EmptyNamespace(object));
  ApiRequest request;
  request.method = "DELETE";
  request.target = PathOf(object) + "?gracePeriodSeconds=0";
  RETURN_IF_ERROR(Send(request).status());
  if (!is_namespace) return absl::OkStatus();
  // What it waits for is that its finalizer, a controller, is done.
  ApiRequest finalize;
  finalize.method = "PUT";
  finalize.target = PathOf(object) + "/finalize";
  json body = ObjectName("v1", "Namespace", "", MetadataText(object, "name"));
  body["spec"]["finalizers"] = json::array();
  finalize.body = body.dump();
  return Send(finalize).status();
}

absl::Status ApiWriter::EmptyNamespace(const json& ns) {
  const std::string name = MetadataText(ns, "name");
  for (const auto& kind :
       {ObjectName("v1", "Pod", name, ""),
        ObjectName("networking.k8s.io/v1", "NetworkPolicy", name, "")}) {
    ApiRequest request;
    request.method = "DELETE";
    request.target = CollectionPathOf(kind) + "?gracePeriodSeconds=0";
    RETURN_IF_ERROR(Send(request).status());
  }
  return absl::OkStatus();
}

absl::Status ApiWriter::Terminate(const json& pod) {
  ApiRequest request;
  request.method = "DELETE";
  request.target = PathOf(pod) + "?gracePeriodSeconds=600";
  return Send(request).status();
}

absl::StatusOr<json> ApiWriter::Get(const json& object) {
  ApiRequest request;
  request.target = PathOf(object);
  ASSIGN_OR_RETURN(const std::string body, Send(request));
  json read = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object())
    return absl::InternalError(Describe(request) + ": not a JSON object");
  return read;
}

absl::StatusOr<std::string> ApiWriter::NewToken(absl::string_view ns,
                                                absl::string_view name) {
  const json account = ObjectName("v1", "ServiceAccount", ns, name);
  const absl::Status made = Create(account);
  if (!absl::IsAlreadyExists(made)) RETURN_IF_ERROR(made);
  ApiRequest request;
  request.method = "POST";
  request.target = PathOf(account) + "/token";
  request.body = json({{"apiVersion", "authentication.k8s.io/v1"},
                       {"kind", "TokenRequest"},
                       {"spec", {{"expirationSeconds", 3600}}}})
                     .dump();
  ASSIGN_OR_RETURN(const std::string body, Send(request));
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto status = answer.is_object() ? answer.find("status") : answer.end();
  if (status == answer.end())
    return absl::InternalError(Describe(request) + ": no token");
  return Text(*status, "token");
}

absl::Status ApiWriter::ApplyEvent(const v1::WatchEvent& event) {
  json object;
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace:
      object = JsonOf(event.namespace_());
      break;
    case v1::WatchEvent::kPod:
      object = JsonOf(event.pod());
      break;
    case v1::WatchEvent::kNode:
      object = JsonOf(event.node());
      break;
    case v1::WatchEvent::kNetworkPolicy:
      object = JsonOf(event.network_policy());
      break;
    case v1::WatchEvent::OBJECT_NOT_SET:
      return absl::OkStatus();
  }
  if (event.type() != v1::WatchEvent::DELETE) return Apply(object);
  const absl::Status status = Delete(object);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status ApiWriter::ApplyCluster(const Cluster& cluster) {
  const auto apply_all = [this](const auto& objects) {
    return InParallel(objects.size(), kThreads,
                      [&](size_t i) { return Apply(JsonOf(objects[i])); });
  };
  RETURN_IF_ERROR(apply_all(cluster.namespaces));
  RETURN_IF_ERROR(apply_all(cluster.nodes));
  RETURN_IF_ERROR(apply_all(cluster.policies));
  return apply_all(cluster.pods);
}

absl::Status InParallel(size_t count, int threads,
                        const std::function<absl::Status(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  absl::Status first;  // By mutex.
  const auto run = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      const absl::Status status = work(i);
      if (status.ok()) continue;
      failed = true;
      const std::lock_guard<std::mutex> lock(mutex);
      first.Update(status);
    }
  };
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(run);
  for (std::thread& thread : running) thread.join();
  return first;
}

}  // namespace netpol
