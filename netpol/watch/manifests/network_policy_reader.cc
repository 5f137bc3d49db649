#include "netpol/watch/manifests/network_policy_reader.h"

#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/watch/manifests/proto_reader.h"

namespace netpol {
namespace {

using ::google::protobuf::RepeatedPtrField;

// One known field of a map.
struct Part {
  absl::string_view name;
  const TreeNode* value = nullptr;  // Absent, or null in the file.
  bool repeated = false;

  explicit Part(absl::string_view part_name) : name(part_name) {}
};

class SpecReader {
 public:
  explicit SpecReader(std::vector<SourceProblem>* problems)
      : reader_(ProtoReader::Unmodelled::kReport, problems) {}

  bool Read(const TreeNode& spec, const FieldPath& path,
            k8s::NetworkPolicySpec* out);

 private:
  // Fills `parts` from `map`. False if there are other fields.
  template <size_t kCount>
  bool Split(const TreeNode& map, const FieldPath& path,
             std::array<Part, kCount>* parts);

  bool ReadSubject(const Part& part, bool all_known, const FieldPath& path,
                   k8s::NetworkPolicySpec* out);
  void ReadPolicyTypes(const Part& part, bool all_known, bool has_egress,
                       const FieldPath& path, k8s::NetworkPolicySpec* out);

  // Reads the rules of a direction. True if there was at least one, good or
  // bad. `peers_of` gives the peers of a rule for writing.
  template <typename Rule, typename PeersOf>
  bool ReadRules(const Part& part, const FieldPath& path,
                 absl::string_view peers_name, PeersOf peers_of,
                 RepeatedPtrField<Rule>* out);
  template <typename Rule, typename PeersOf>
  bool ReadRule(const TreeNode& rule, const FieldPath& path,
                absl::string_view peers_name, PeersOf peers_of, Rule* out);

  // Reads a list of peers or ports. `impossible` stands in for each element
  // that is in doubt, and for the list itself.
  template <typename Element>
  void ReadElements(const Part& part, const FieldPath& path,
                    const Element& impossible, RepeatedPtrField<Element>* out);

  ProtoReader reader_;
};

template <size_t kCount>
bool SpecReader::Split(const TreeNode& map, const FieldPath& path,
                       std::array<Part, kCount>* parts) {
  bool all_known = true;
  for (const auto& [key, value] : map.entries) {
    Part* part = nullptr;
    for (Part& candidate : *parts) {
      if (key->kind == TreeNode::Kind::kString && candidate.name == key->text) {
        part = &candidate;
      }
    }
    if (part == nullptr) {
      all_known = reader_.Warn(
          *key, path.Field(key->text),
          "unknown field; what it may have meant to narrow is not allowed");
      continue;
    }
    if (part->value != nullptr) {
      part->repeated = true;
      reader_.Warn(*key, path.Field(key->text),
                   "the field is given twice; neither counts");
    }
    part->value = value;
  }
  for (Part& part : *parts) {
    const bool is_null =
        part.value != nullptr && part.value->kind == TreeNode::Kind::kNull;
    if (is_null && !part.repeated) part.value = nullptr;
  }
  return all_known;
}

bool SpecReader::Read(const TreeNode& spec, const FieldPath& path,
                      k8s::NetworkPolicySpec* out) {
  if (spec.kind != TreeNode::Kind::kMap) {
    return reader_.Error(spec, path,
                         absl::StrCat("must be a map, is ", spec.KindName()));
  }
  std::array<Part, 4> parts = {Part("podSelector"), Part("policyTypes"),
                               Part("ingress"), Part("egress")};
  const bool all_known = Split(spec, path, &parts);
  const auto& [subject, types, ingress, egress] = parts;
  if (!ReadSubject(subject, all_known, path, out)) return false;
  ReadRules(
      ingress, path.Field("ingress"), "from",
      [](k8s::NetworkPolicyIngressRule* rule) { return rule->mutable_from(); },
      out->mutable_ingress());
  const bool has_egress = ReadRules(
      egress, path.Field("egress"), "to",
      [](k8s::NetworkPolicyEgressRule* rule) { return rule->mutable_to(); },
      out->mutable_egress());
  ReadPolicyTypes(types, all_known, has_egress, path, out);
  return true;
}

bool SpecReader::ReadSubject(const Part& part, bool all_known,
                             const FieldPath& path,
                             k8s::NetworkPolicySpec* out) {
  // A selector that is wider than meant gives the policy's allowances to pods
  // that were not to have them, so there is no safe reading of a broken one.
  if (part.repeated) return false;
  if (part.value == nullptr) {
    if (all_known) out->mutable_pod_selector();
    return all_known;
  }
  return reader_.Read(*part.value, path.Field("podSelector"),
                      out->mutable_pod_selector());
}

void SpecReader::ReadPolicyTypes(const Part& part, bool all_known,
                                 bool has_egress, const FieldPath& path,
                                 k8s::NetworkPolicySpec* out) {
  const auto* field = out->GetDescriptor()->FindFieldByNumber(
      k8s::NetworkPolicySpec::kPolicyTypesFieldNumber);
  bool clear = !part.repeated;
  if (clear && part.value != nullptr) {
    clear =
        reader_.ReadField(*part.value, path.Field("policyTypes"), field, out);
  }
  if (clear && out->policy_types_size() > 0) return;
  out->clear_policy_types();
  out->add_policy_types("Ingress");
  if (has_egress || !clear || !all_known) out->add_policy_types("Egress");
}

template <typename Rule, typename PeersOf>
bool SpecReader::ReadRules(const Part& part, const FieldPath& path,
                           absl::string_view peers_name, PeersOf peers_of,
                           RepeatedPtrField<Rule>* out) {
  if (part.repeated) return true;
  if (part.value == nullptr) return false;
  if (part.value->kind != TreeNode::Kind::kList) {
    reader_.Error(*part.value, path,
                  absl::StrCat("must be a list of rules, is ",
                               part.value->KindName(), "; no rule counts"));
    return true;
  }
  for (size_t i = 0; i < part.value->items.size(); ++i) {
    Rule rule;
    if (ReadRule(*part.value->items[i], path.Element(i), peers_name, peers_of,
                 &rule)) {
      *out->Add() = std::move(rule);
    }
  }
  return !part.value->items.empty();
}

template <typename Rule, typename PeersOf>
bool SpecReader::ReadRule(const TreeNode& rule, const FieldPath& path,
                          absl::string_view peers_name, PeersOf peers_of,
                          Rule* out) {
  if (rule.kind != TreeNode::Kind::kMap) {
    return reader_.Error(
        rule, path,
        absl::StrCat("a rule must be a map, is ", rule.KindName(),
                     "; it allows nothing (write {} for a "
                     "rule that allows all)"));
  }
  std::array<Part, 2> parts = {Part("ports"), Part(peers_name)};
  const bool all_known = Split(rule, path, &parts);
  k8s::NetworkPolicyPort impossible_port;
  impossible_port.set_protocol("INVALID");
  ReadElements(parts[0], path.Field("ports"), impossible_port,
               out->mutable_ports());
  ReadElements(parts[1], path.Field(peers_name), k8s::NetworkPolicyPeer(),
               peers_of(out));
  return all_known;
}

template <typename Element>
void SpecReader::ReadElements(const Part& part, const FieldPath& path,
                              const Element& impossible,
                              RepeatedPtrField<Element>* out) {
  if (part.value == nullptr) return;
  if (part.value->kind != TreeNode::Kind::kList || part.repeated) {
    if (!part.repeated) {
      reader_.Error(*part.value, path,
                    absl::StrCat("must be a list, is ", part.value->KindName(),
                                 "; its rule allows nothing"));
    }
    *out->Add() = impossible;
    return;
  }
  for (size_t i = 0; i < part.value->items.size(); ++i) {
    Element element;
    const bool clean =
        reader_.Read(*part.value->items[i], path.Element(i), &element);
    *out->Add() = clean ? std::move(element) : impossible;
  }
}

}  // namespace

bool ReadNetworkPolicySpec(const TreeNode& spec, const FieldPath& path,
                           k8s::NetworkPolicySpec* out,
                           std::vector<SourceProblem>* problems) {
  return SpecReader(problems).Read(spec, path, out);
}

}  // namespace netpol
