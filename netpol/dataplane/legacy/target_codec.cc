#include "netpol/dataplane/legacy/target_codec.h"

#include <linux/netfilter/xt_MARK.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/dataplane/legacy/extension_data.h"

namespace netpol {
namespace {

static_assert(LogAction::kMaxPrefix + 1 == sizeof(xt_nflog_info::prefix));

constexpr absl::string_view kAccept = "ACCEPT";
constexpr absl::string_view kDrop = "DROP";
constexpr absl::string_view kReturn = "RETURN";
constexpr absl::string_view kQueue = "QUEUE";

TargetParts Verdict(absl::string_view name, bool go = false) {
  return {Extension{std::string(name)}, true, go};
}

absl::StatusOr<TargetParts> ToChain(const ChainName& chain, bool go) {
  if (chain.empty()) {
    return absl::InvalidArgumentError("a jump to a chain without a name");
  }
  return Verdict(chain.value(), go);
}

struct TargetEncoder {
  Family family;

  absl::StatusOr<TargetParts> operator()(const ReturnAction&) const {
    return Verdict(kReturn);
  }
  absl::StatusOr<TargetParts> operator()(const AcceptAction&) const {
    return Verdict(kAccept);
  }
  absl::StatusOr<TargetParts> operator()(const DropAction&) const {
    return Verdict(kDrop);
  }
  absl::StatusOr<TargetParts> operator()(const JumpAction& a) const {
    return ToChain(a.chain, false);
  }
  absl::StatusOr<TargetParts> operator()(const GotoAction& a) const {
    return ToChain(a.chain, true);
  }
  absl::StatusOr<TargetParts> operator()(const RejectAction&) const {
    if (family == Family::kIPv6) {
      return TargetParts{PackExtension<ip6t_reject_info>(
          "REJECT", 0,
          [](ip6t_reject_info& info) { info.with = IP6T_ICMP6_PORT_UNREACH; })};
    }
    return TargetParts{PackExtension<ipt_reject_info>(
        "REJECT", 0,
        [](ipt_reject_info& info) { info.with = IPT_ICMP_PORT_UNREACHABLE; })};
  }
  absl::StatusOr<TargetParts> operator()(const SetMarkAction& a) const {
    return TargetParts{
        PackExtension<xt_mark_tginfo2>("MARK", 2, [&](xt_mark_tginfo2& info) {
          info.mark = a.value;
          info.mask = a.mask;
        })};
  }
  absl::StatusOr<TargetParts> operator()(const LogAction& a) const {
    if (a.prefix.size() > LogAction::kMaxPrefix ||
        a.prefix.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "an NFLOG prefix of ", a.prefix.size(), " bytes (at most ",
          LogAction::kMaxPrefix, ", none of them zero)"));
    }
    return TargetParts{
        PackExtension<xt_nflog_info>("NFLOG", 0, [&](xt_nflog_info& info) {
          info.group = a.group;
          info.threshold = XT_NFLOG_DEFAULT_THRESHOLD;
          a.prefix.copy(info.prefix, sizeof(info.prefix) - 1);
        })};
  }
};

absl::StatusOr<Action> DecodeReject(const Extension& target, Family family) {
  const bool port_unreachable =
      family == Family::kIPv4
          ? UnpackExtension<ipt_reject_info>(target).with ==
                IPT_ICMP_PORT_UNREACHABLE
          : UnpackExtension<ip6t_reject_info>(target).with ==
                IP6T_ICMP6_PORT_UNREACH;
  if (!port_unreachable) {
    return absl::InvalidArgumentError(
        "REJECT with another answer than port unreachable");
  }
  return RejectAction{};
}

absl::StatusOr<Action> DecodeMark(const Extension& target, Family) {
  const auto info = UnpackExtension<xt_mark_tginfo2>(target);
  return SetMarkAction{info.mark, info.mask};
}

absl::StatusOr<Action> DecodeLog(const Extension& target, Family) {
  const auto info = UnpackExtension<xt_nflog_info>(target);
  return LogAction{
      info.group,
      std::string(info.prefix, strnlen(info.prefix, sizeof(info.prefix)))};
}

struct TargetDecoder {
  absl::string_view name;
  uint8_t revision;
  size_t size;
  absl::StatusOr<Action> (*decode)(const Extension&, Family);
};

static_assert(sizeof(ipt_reject_info) == sizeof(ip6t_reject_info));

constexpr TargetDecoder kDecoders[] = {
    {"REJECT", 0, sizeof(ipt_reject_info), DecodeReject},
    {"MARK", 2, sizeof(xt_mark_tginfo2), DecodeMark},
    {"NFLOG", 0, sizeof(xt_nflog_info), DecodeLog},
};

absl::StatusOr<Action> DecodeVerdict(const TargetParts& parts) {
  const std::string& name = parts.target.name;
  if (name == kAccept) return AcceptAction{};
  if (name == kDrop) return DropAction{};
  if (name == kReturn) return ReturnAction{};
  if (name.empty() || name == kQueue || name.size() > ChainName::kMaxLength) {
    return absl::InvalidArgumentError(
        name.empty() ? "no target" : absl::StrCat("target ", name));
  }
  if (parts.go) return GotoAction{ChainName(name)};
  return JumpAction{ChainName(name)};
}

}  // namespace

absl::StatusOr<TargetParts> EncodeTarget(const Action& action, Family family) {
  return absl::visit(TargetEncoder{family}, action);
}

absl::StatusOr<Action> DecodeTarget(const TargetParts& parts, Family family) {
  if (parts.verdict) return DecodeVerdict(parts);
  const Extension& target = parts.target;
  for (const TargetDecoder& decoder : kDecoders) {
    if (decoder.name != target.name || decoder.revision != target.revision) {
      continue;
    }
    if (target.data.size() != XT_ALIGN(decoder.size)) break;
    return decoder.decode(target, family);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "target ", target.name, " revision ", static_cast<int>(target.revision)));
}

}  // namespace netpol
