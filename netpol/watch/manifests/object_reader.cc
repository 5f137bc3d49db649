#include "netpol/watch/manifests/object_reader.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "netpol/watch/manifests/document_reader.h"
#include "netpol/watch/manifests/field_path.h"
#include "netpol/watch/manifests/network_policy_reader.h"
#include "netpol/watch/manifests/proto_reader.h"

namespace netpol {
namespace {

struct KindInfo {
  v1::WatchEvent::Kind kind;
  absl::string_view name;
  absl::string_view api_version;
  bool namespaced;
};

constexpr KindInfo kKinds[] = {
    {v1::WatchEvent::NAMESPACE, "Namespace", "v1", false},
    {v1::WatchEvent::POD, "Pod", "v1", true},
    {v1::WatchEvent::NODE, "Node", "v1", false},
    {v1::WatchEvent::NETWORK_POLICY, "NetworkPolicy", "networking.k8s.io/v1",
     true},
};

// A file with more is no manifest file.
constexpr size_t kMaxProblems = 1000;

const KindInfo* FindKind(absl::string_view name) {
  for (const KindInfo& info : kKinds) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

// "networking.k8s.io/v1" has the group "networking.k8s.io", "v1" has "".
absl::string_view GroupOf(absl::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == absl::string_view::npos ? absl::string_view()
                                          : api_version.substr(0, slash);
}

// A former or newer version of `info`, not a stranger's kind of that name
// (other projects have a NetworkPolicy of their own).
bool IsOtherVersion(const KindInfo& info, absl::string_view api_version) {
  const absl::string_view group = GroupOf(api_version);
  return group == GroupOf(info.api_version) ||
         (info.kind == v1::WatchEvent::NETWORK_POLICY &&
          (group == "extensions" || group.empty()));
}

// The string at `key`; empty if it is absent, null or no string.
std::string TextOf(const TreeNode& map, absl::string_view key) {
  const TreeNode* value = map.Find(key);
  return value != nullptr && value->kind == TreeNode::Kind::kString
             ? value->text
             : std::string();
}

// Reads the documents of one file.
class ObjectReader {
 public:
  ObjectReader(const std::string& file, ManifestReading* out)
      : file_(file), out_(*out) {}

  void ReadDocument(const Document& document);
  // Leaves `document` and what follows unread.
  void GiveUp(const Document& document);

 private:
  using Severity = SourceProblem::Severity;

  // `inherited` is the kind of the items of a typed list.
  void ReadObject(const TreeNode& node, const KindInfo* inherited);
  void ReadItems(const TreeNode& list, const KindInfo* inherited);
  void ReadKnownKind(const TreeNode& node, const KindInfo& info);
  // Says whether the object's content can be used.
  bool ReadContent(const TreeNode& node, const KindInfo& info,
                   v1::WatchEvent* event, std::vector<SourceProblem>* problems);
  bool ReadNetworkPolicy(const TreeNode& node, k8s::NetworkPolicy* policy,
                         std::vector<SourceProblem>* problems);
  bool ReadKey(const TreeNode& node, const KindInfo& info, ManifestKey* key);

  void Report(Severity severity, Position position, std::string object,
              std::string field, std::string message);
  void ReportSkipped(const TreeNode& node, const std::string& api_version,
                     const std::string& kind);
  // As an error that leaves an object without a name.
  void Unreadable(Position position, std::string object, std::string field,
                  const std::string& message);

  const std::string& file_;
  ManifestReading& out_;
  int document_number_ = 1;
  absl::btree_set<std::pair<std::string, std::string>> skipped_;
};

void ObjectReader::ReadDocument(const Document& document) {
  document_number_ = document.number;
  if (document.fault.has_value()) {
    Unreadable(document.fault->position, "", "", document.fault->message);
    return;
  }
  ReadObject(document.tree->root(), nullptr);
}

void ObjectReader::GiveUp(const Document& document) {
  document_number_ = document.number;
  Unreadable(document.fault.has_value() ? document.fault->position
                                        : document.tree->root().position,
             "", "",
             absl::StrCat("more than ", kMaxProblems,
                          " problems in this file; the rest is not read"));
}

void ObjectReader::ReadObject(const TreeNode& node, const KindInfo* inherited) {
  if (node.kind == TreeNode::Kind::kList) return ReadItems(node, inherited);
  if (node.kind != TreeNode::Kind::kMap) {
    return Unreadable(
        node.position, "", "",
        absl::StrCat("an object must be a map, is ", node.KindName()));
  }
  std::string kind = TextOf(node, "kind");
  std::string api_version = TextOf(node, "apiVersion");
  if (inherited != nullptr && kind.empty() && api_version.empty()) {
    return ReadKnownKind(node, *inherited);
  }
  if (kind.empty() || api_version.empty()) {
    return Unreadable(node.position, kind, kind.empty() ? "kind" : "apiVersion",
                      "missing, or no string");
  }
  absl::string_view item_kind = kind;
  if (absl::ConsumeSuffix(&item_kind, "List") &&
      (item_kind.empty() || FindKind(item_kind) != nullptr)) {
    const TreeNode* items = node.Find("items");
    if (items == nullptr || items->kind == TreeNode::Kind::kNull) return;
    const KindInfo* item_info = FindKind(item_kind);
    if (item_info != nullptr && api_version != item_info->api_version) {
      item_info = nullptr;
    }
    return ReadItems(*items, item_info);
  }
  const KindInfo* info = FindKind(kind);
  if (info != nullptr && api_version == info->api_version) {
    return ReadKnownKind(node, *info);
  }
  if (info == nullptr || !IsOtherVersion(*info, api_version)) {
    return ReportSkipped(node, api_version, kind);
  }
  ManifestKey key;
  if (!ReadKey(node, *info, &key)) return;
  Report(Severity::kError, node.position, key.ToString(), "apiVersion",
         absl::StrCat("version ", api_version, " is not supported; write ",
                      info->api_version));
  out_.unreadable.push_back(std::move(key));
}

void ObjectReader::ReadItems(const TreeNode& list, const KindInfo* inherited) {
  if (list.kind != TreeNode::Kind::kList) {
    return Unreadable(list.position, "", "items",
                      absl::StrCat("must be a list, is ", list.KindName()));
  }
  for (const TreeNode* item : list.items) ReadObject(*item, inherited);
}

void ObjectReader::ReadKnownKind(const TreeNode& node, const KindInfo& info) {
  ManifestKey key;
  if (!ReadKey(node, info, &key)) return;
  auto event = std::make_shared<v1::WatchEvent>();
  event->set_type(v1::WatchEvent::UPSERT);
  std::vector<SourceProblem> problems;
  const bool usable = ReadContent(node, info, event.get(), &problems);
  for (SourceProblem& problem : problems) {
    problem.file = file_;
    problem.object = key.ToString();
    out_.problems.push_back(std::move(problem));
  }
  if (!usable) {
    Report(Severity::kError, node.position, key.ToString(), "",
           "the object cannot be used; what was known of it before, if "
           "anything, stays");
    out_.unreadable.push_back(std::move(key));
    return;
  }
  out_.objects.push_back({std::move(key), node.position, std::move(event)});
}

bool ObjectReader::ReadContent(const TreeNode& node, const KindInfo& info,
                               v1::WatchEvent* event,
                               std::vector<SourceProblem>* problems) {
  ProtoReader reader(ProtoReader::Unmodelled::kSkip, problems);
  bool usable = false;
  k8s::ObjectMeta* metadata = nullptr;
  switch (info.kind) {
    case v1::WatchEvent::NAMESPACE:
      usable = reader.Read(node, FieldPath(), event->mutable_namespace_());
      metadata = event->mutable_namespace_()->mutable_metadata();
      break;
    case v1::WatchEvent::POD:
      usable = reader.Read(node, FieldPath(), event->mutable_pod());
      metadata = event->mutable_pod()->mutable_metadata();
      break;
    case v1::WatchEvent::NODE:
      usable = reader.Read(node, FieldPath(), event->mutable_node());
      metadata = event->mutable_node()->mutable_metadata();
      break;
    case v1::WatchEvent::NETWORK_POLICY:
      usable =
          ReadNetworkPolicy(node, event->mutable_network_policy(), problems);
      metadata = event->mutable_network_policy()->mutable_metadata();
      break;
    case v1::WatchEvent::KIND_UNSPECIFIED:
      return false;
  }
  if (!info.namespaced) {
    metadata->clear_namespace_();
  } else if (metadata->namespace_().empty()) {
    metadata->set_namespace_("default");
  }
  return usable;
}

// A policy's metadata beyond its name decides nothing, so a mistake there is
// reported and no more.
bool ObjectReader::ReadNetworkPolicy(const TreeNode& node,
                                     k8s::NetworkPolicy* policy,
                                     std::vector<SourceProblem>* problems) {
  const FieldPath root;
  ProtoReader reader(ProtoReader::Unmodelled::kSkip, problems);
  reader.Read(*node.Find("metadata"), root.Field("metadata"),
              policy->mutable_metadata());
  int specs = 0;
  for (const auto& entry : node.entries) {
    const TreeNode& key = *entry.first;
    if (key.kind == TreeNode::Kind::kString && key.text == "spec") ++specs;
    if (specs > 1) {
      return reader.Error(key, root.Field("spec"), "given more than once");
    }
  }
  const TreeNode* spec = node.Find("spec");
  if (spec == nullptr || spec->kind == TreeNode::Kind::kNull) {
    // As the API server has it: every pod, and no rule.
    policy->mutable_spec()->mutable_pod_selector();
    policy->mutable_spec()->add_policy_types("Ingress");
    return true;
  }
  return ReadNetworkPolicySpec(*spec, root.Field("spec"),
                               policy->mutable_spec(), problems);
}

bool ObjectReader::ReadKey(const TreeNode& node, const KindInfo& info,
                           ManifestKey* key) {
  const std::string kind(info.name);
  const TreeNode* metadata = node.Find("metadata");
  if (metadata == nullptr || metadata->kind != TreeNode::Kind::kMap) {
    Unreadable(node.position, kind, "metadata", "missing, or no map");
    return false;
  }
  key->kind = info.kind;
  key->name = TextOf(*metadata, "name");
  key->space = info.namespaced ? TextOf(*metadata, "namespace") : "";
  if (key->name.empty()) {
    const TreeNode* name = metadata->Find("name");
    const bool generated = !TextOf(*metadata, "generateName").empty();
    Unreadable((name == nullptr ? node : *name).position, kind, "metadata.name",
               name != nullptr ? "must be a string with something in it"
               : generated     ? "generateName makes no name here; give one"
                               : "missing");
    return false;
  }
  const TreeNode* space = metadata->Find("namespace");
  if (info.namespaced && space != nullptr &&
      space->kind != TreeNode::Kind::kString &&
      space->kind != TreeNode::Kind::kNull) {
    Unreadable(space->position, absl::StrCat(kind, " ", key->name),
               "metadata.namespace",
               absl::StrCat("must be a string, is ", space->KindName()));
    return false;
  }
  if (info.namespaced && key->space.empty()) key->space = "default";
  return true;
}

void ObjectReader::Report(Severity severity, Position position,
                          std::string object, std::string field,
                          std::string message) {
  SourceProblem problem;
  problem.severity = severity;
  problem.file = file_;
  problem.line = position.line;
  problem.column = position.column;
  problem.object = std::move(object);
  problem.field = std::move(field);
  problem.message = std::move(message);
  out_.problems.push_back(std::move(problem));
}

void ObjectReader::ReportSkipped(const TreeNode& node,
                                 const std::string& api_version,
                                 const std::string& kind) {
  if (!skipped_.emplace(api_version, kind).second) return;
  Report(Severity::kNotice, node.position, kind, "",
         absl::StrCat("objects of ", api_version, " ", kind,
                      " are not read; all in this file are skipped"));
}

void ObjectReader::Unreadable(Position position, std::string object,
                              std::string field, const std::string& message) {
  Report(Severity::kError, position, std::move(object), std::move(field),
         absl::StrCat(message, " (document ", document_number_,
                      "; what this file gave before stays)"));
  out_.has_unreadable_parts = true;
}

}  // namespace

std::string ManifestKey::ToString() const {
  for (const KindInfo& info : kKinds) {
    if (info.kind != kind) continue;
    return absl::StrCat(info.name, " ", space, space.empty() ? "" : "/", name);
  }
  return name;
}

ManifestReading ReadManifestText(const std::string& file,
                                 absl::string_view text) {
  ManifestReading out;
  ObjectReader reader(file, &out);
  const bool may_be_yaml = !absl::EndsWith(file, ".json");
  for (const Document& document : ReadDocuments(text, may_be_yaml)) {
    if (out.problems.size() > kMaxProblems) {
      reader.GiveUp(document);
      break;
    }
    reader.ReadDocument(document);
  }
  return out;
}

}  // namespace netpol
