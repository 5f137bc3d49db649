// Who enforces in a network namespace.
#ifndef NETPOL_ENFORCER_NODE_CLAIM_H_
#define NETPOL_ENFORCER_NODE_CLAIM_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace netpol {

// Held, as long as it lives, by the one that enforces in the network namespace
// of the thread that took it: the abstract unix socket "@netpol-enforcer".
// Abstract names belong to a network namespace, so that a container with the
// host's network counts as the host; and they go with their process, however it
// ends.
//
// Anybody may take such a name. One that is held neither by root nor by our own
// user counts for nothing, nor one that was asked too often to answer (see
// WhenUnknown): nobody can keep a node from being enforced by it. What is taken
// then is nothing.
class NodeClaim {
 public:
  // What to do where the name is held by nobody knows whom.
  enum class WhenUnknown : uint8_t {
    kGoOn,    // to enforce: nobody may prevent that
    kRefuse,  // to take away what somebody may enforce
  };

  // FailedPrecondition, with the id and the command of the other, if it is
  // held, be it by this very process; other errors if there can be no socket.
  // Waits for a tenth of a second at most, for one that is just ending.
  static absl::StatusOr<NodeClaim> Take(WhenUnknown unknown);

  // Lets those go who asked whether it is held: to be called about once a
  // second by the holder, or else nobody can ask any more at some time.
  void LetAskersGo() const;

  // Who holds it, "process 123 (netpolctl run)"; nothing if nobody does.
  // Creates nothing.
  static absl::StatusOr<absl::optional<std::string>> Holder();

  ~NodeClaim();
  NodeClaim(NodeClaim&& other) noexcept;
  NodeClaim& operator=(NodeClaim&& other) noexcept;

 private:
  explicit NodeClaim(int socket) : socket_(socket) {}

  int socket_ = -1;
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_NODE_CLAIM_H_
