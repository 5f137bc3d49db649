// Match ↔ what the kernel's match modules take, one small pair of functions for
// each kind.
#ifndef NETPOL_DATAPLANE_LEGACY_MATCH_CODEC_H_
#define NETPOL_DATAPLANE_LEGACY_MATCH_CODEC_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/rules/rule.h"

namespace netpol {

// What a match cannot say of itself.
struct MatchContext {
  Family family = Family::kIPv4;
  absl::optional<uint8_t> protocol;  // the rule's
  SetIndex* sets = nullptr;          // not owned
};

// The module, revision and data that iptables-legacy uses for `match`.
// InvalidArgument for values that the kernel would read as something else;
// NotFound for a set that does not exist.
absl::StatusOr<Extension> EncodeMatch(const Match& match,
                                      const MatchContext& context);

// InvalidArgument, whose message describes the stranger, for anything that
// EncodeMatch does not write. Checks only what it needs: encode the result
// again to be sure.
absl::StatusOr<Match> DecodeMatch(const Extension& match,
                                  const MatchContext& context);

// The comment match. At most 255 bytes, none of them zero.
absl::StatusOr<Extension> EncodeComment(const std::string& comment);
// Nothing if `match` is no comment.
absl::optional<std::string> DecodeComment(const Extension& match);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_MATCH_CODEC_H_
