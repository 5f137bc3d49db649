#include "netpol/dataplane/legacy/extension_support.h"

#include <linux/in.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

struct Question {
  int domain;
  int level;
  int match_option;
  int target_option;
};

constexpr Question kQuestions[] = {
    {AF_INET, IPPROTO_IP, IPT_SO_GET_REVISION_MATCH,
     IPT_SO_GET_REVISION_TARGET},
    {AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_REVISION_MATCH,
     IP6T_SO_GET_REVISION_TARGET},
};

using NameAndRevision = std::pair<std::string, uint8_t>;

bool Knows(int socket_fd, int level, int option, const NameAndRevision& which) {
  xt_get_revision revision;
  std::memset(&revision, 0, sizeof(revision));
  which.first.copy(revision.name, sizeof(revision.name) - 1);
  revision.revision = which.second;
  socklen_t size = sizeof(revision);
  return getsockopt(socket_fd, level, option, &revision, &size) == 0;
}

}  // namespace

std::vector<std::string> UnsupportedExtensions(
    Family family, absl::Span<const EncodedChain> chains) {
  std::set<NameAndRevision> matches;
  std::set<NameAndRevision> targets;
  for (const EncodedChain& chain : chains) {
    for (const EntryParts& rule : chain.rules) {
      for (const Extension& match : rule.matches) {
        matches.emplace(match.name, match.revision);
      }
      if (!rule.verdict) {
        targets.emplace(rule.target.name, rule.target.revision);
      }
    }
  }
  const Question& question = kQuestions[static_cast<int>(family)];
  std::vector<std::string> missing;
  const int socket_fd =
      socket(question.domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (socket_fd < 0) return missing;
  const auto ask = [&](absl::string_view kind, int option,
                       const std::set<NameAndRevision>& asked) {
    for (const NameAndRevision& which : asked) {
      if (Knows(socket_fd, question.level, option, which)) continue;
      missing.push_back(absl::StrCat(kind, " ", which.first, " revision ",
                                     static_cast<int>(which.second)));
    }
  };
  ask("match", question.match_option, matches);
  ask("target", question.target_option, targets);
  close(socket_fd);
  return missing;
}

}  // namespace netpol
