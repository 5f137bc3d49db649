#include "netpol/rules/names.h"

#include <openssl/sha.h>

#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

// RFC 4648 base32 of the first ten bytes of SHA-256: exactly 16 characters.
std::string HashText(absl::string_view input) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(input.data()), input.size(),
         digest);
  std::string text;
  for (int group = 0; group < 2; ++group) {
    uint64_t bits = 0;
    for (int i = 0; i < 5; ++i) bits = bits << 8 | digest[group * 5 + i];
    for (int shift = 35; shift >= 0; shift -= 5)
      text += kAlphabet[bits >> shift & 31];
  }
  return text;
}

std::string Checked(absl::string_view name, size_t limit) {
  // A name that does not fit would be cut by the kernel and meet another one.
  if (name.empty() || name.size() > limit) std::abort();
  return std::string(name);
}

}  // namespace

ChainName::ChainName(absl::string_view name)
    : value_(Checked(name, kMaxLength)) {}

bool ChainName::IsOurs(absl::string_view name) {
  return name == kInputChain || name == kForwardChain || name == kOutputChain ||
         absl::StartsWith(name, "KUBE-POD-FW-") ||
         absl::StartsWith(name, "KUBE-NWPLCY-");
}

SetName::SetName(absl::string_view name)
    : value_(std::string(Checked(name, kMaxLength))) {}

SetName::SetName(Family family, absl::string_view base)
    : SetName(family == Family::kIPv6 ? absl::StrCat("inet6:", base)
                                      : std::string(base)) {}

bool SetName::IsOurs(absl::string_view name) {
  absl::ConsumePrefix(&name, "inet6:");
  return absl::StartsWith(name, "KUBE-SRC-") ||
         absl::StartsWith(name, "KUBE-DST-") ||
         name == "kube-router-local-pods" || name == "kube-router-pod-cidrs" ||
         absl::StartsWith(name, "kube-router-tmp-");
}

std::string NameHash(absl::Span<const absl::string_view> fields) {
  std::string input;
  for (absl::string_view field : fields) {
    absl::StrAppend(&input, field, absl::string_view("\0", 1));
  }
  return HashText(input);
}

std::string CompatibleRuleId(absl::Span<const absl::string_view> words) {
  std::string input;
  for (absl::string_view word : words) absl::StrAppend(&input, word);
  return HashText(input);
}

}  // namespace netpol
