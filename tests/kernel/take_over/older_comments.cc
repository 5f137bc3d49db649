#include "tests/kernel/take_over/older_comments.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

struct Wording {
  absl::string_view now;
  absl::string_view then;
};

constexpr Wording kWhole[] = {
    {"common netpol rules", "common bi-directional traffic policy rules"},
    {"from local node",
     "rule to permit the traffic traffic to pods when source is the pod's "
     "local node"},
    {"default egress", "run through default egress network policy chain"},
    {"default ingress", "run through default ingress network policy chain"},
    {"set netpol-ok mark",
     "set mark to ACCEPT traffic that comply to network policies"},
};

// What a policy's rule says before the policy's name.
constexpr Wording kOfPolicy[] = {
    {"ingress pods", "from source pods to dest pods selected by policy name "},
    {"ingress any", "from all sources to dest pods selected by policy name: "},
    {"ingress cidr",
     "from specified ipBlocks to dest pods selected by policy name: "},
    {"egress pods", "from source pods to dest pods selected by policy name "},
    {"egress any",
     "from source pods to all destinations selected by policy name: "},
    {"egress cidr",
     "from source pods to specified ipBlocks selected by policy name: "},
};

// Of "namespace/name tag" in a rule that leads to `target`; empty if there is
// no such tag.
std::string OlderComment(absl::string_view ns, absl::string_view name,
                         absl::string_view tag, absl::string_view target) {
  const std::string pod = absl::StrCat("POD name:", name, " namespace: ", ns);
  if (tag == "in") {
    return absl::StrCat("rule to jump traffic destined to ", pod, " to chain ",
                        target);
  }
  if (tag == "out") {
    return absl::StrCat("rule to jump traffic from ", pod, " to chain ",
                        target);
  }
  if (tag == "log-drop")
    return absl::StrCat("rule to log dropped traffic ", pod);
  if (tag == "reject")
    return absl::StrCat("rule to REJECT traffic destined for ", pod);
  if (tag == "policy") return absl::StrCat("run through nw policy ", name);
  absl::ConsumeSuffix(&tag, " np");
  for (const Wording& wording : kOfPolicy) {
    if (wording.now == tag) {
      return absl::StrCat("rule to ACCEPT traffic ", wording.then, name,
                          " namespace ", ns);
    }
  }
  return "";
}

}  // namespace

std::string WithOlderComment(absl::string_view line) {
  const std::vector<absl::string_view> quoted = absl::StrSplit(line, '"');
  if (quoted.size() != 3) return std::string(line);
  const absl::string_view comment = quoted[1];
  std::string older;
  for (const Wording& wording : kWhole) {
    if (comment == wording.now) older = std::string(wording.then);
  }
  const size_t slash = comment.find('/');
  const size_t space = comment.find(' ');
  if (slash < space && space != absl::string_view::npos) {
    older = OlderComment(
        comment.substr(0, slash), comment.substr(slash + 1, space - slash - 1),
        comment.substr(space + 1), line.substr(line.rfind(' ') + 1));
  }
  if (older.empty()) return std::string(line);
  return absl::StrCat(quoted[0], "\"", older, "\"", quoted[2]);
}

}  // namespace netpol
