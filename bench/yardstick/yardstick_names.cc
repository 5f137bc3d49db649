#include "bench/yardstick/yardstick_names.h"

#include <openssl/sha.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

// Where the hashed ids of rules come from, those of names do too.
std::string Hash(absl::Span<const absl::string_view> words) {
  return CompatibleRuleId(words);
}

absl::string_view SourceOrDestination(bool source) {
  return source ? "KUBE-SRC-" : "KUBE-DST-";
}

std::string Middle(RuleKind kind, int rule) {
  return absl::StrCat(kind == RuleKind::kIngress ? "ingressrule" : "egressrule",
                      rule);
}

}  // namespace

std::string YardstickPolicyChain(absl::string_view ns, absl::string_view policy,
                                 absl::string_view version, Family family) {
  return absl::StrCat(kPolicyChainPrefix,
                      Hash({ns, policy, version, FamilyName(family)}));
}

std::string YardstickPodChain(absl::string_view ns, absl::string_view pod,
                              absl::string_view version) {
  return absl::StrCat(kPodChainPrefix, Hash({ns, pod, version}));
}

std::string YardstickSetNames::Name(absl::string_view prefix,
                                    absl::string_view middle,
                                    absl::string_view end) const {
  return absl::StrCat(family_ == Family::kIPv6 ? "inet6:" : "", prefix,
                      Hash({ns_, policy_, middle, FamilyName(family_), end}));
}

std::string YardstickSetNames::Targets(RuleKind kind) const {
  return Name(SourceOrDestination(kind == RuleKind::kEgress), "", "");
}

std::string YardstickSetNames::Peers(RuleKind kind, int rule) const {
  return Name(SourceOrDestination(kind == RuleKind::kIngress),
              Middle(kind, rule), "pod");
}

std::string YardstickSetNames::Blocks(RuleKind kind, int rule) const {
  return Name(SourceOrDestination(kind == RuleKind::kIngress),
              Middle(kind, rule), "ipblock");
}

std::string YardstickSetNames::NamedPort(RuleKind kind, int rule,
                                         int port) const {
  return Name("KUBE-DST-", absl::StrCat(Middle(kind, rule), port), "namedport");
}

std::string TemporarySet(absl::string_view create_options) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const std::string input = absl::StrCat("tmp:", create_options);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(),
       digest);
  // Base32 of ten bytes: 5 bits for each of 16 characters.
  std::string name = "TMP-";
  for (int bit = 0; bit < 80; bit += 5) {
    const int pair = digest[bit / 8] << 8 | digest[bit / 8 + 1];
    name += kAlphabet[pair >> (11 - bit % 8) & 31];
  }
  return name;
}

}  // namespace netpol
