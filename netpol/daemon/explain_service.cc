#include "netpol/daemon/explain_service.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/daemon/explain_answer.h"
#include "netpol/dataplane/host/node_addresses.h"
#include "netpol/enforcer/json_form.h"

namespace netpol {
namespace {

void TellHealth(const LoopHealth& health, v1::Explanation& explanation) {
  const bool waits = health.oldest_pending != absl::InfiniteFuture();
  explanation.set_pending(waits || !health.synced_once);
  if (!health.synced_once) {
    explanation.add_notes("the daemon has not written to the kernel yet");
  } else if (waits) {
    explanation.add_notes(
        "the daemon knows of changes that are not in the kernel yet");
  }
  if (!health.last_error.ok()) {
    explanation.add_notes(
        absl::StrCat("the daemon's last synchronisation failed: ",
                     health.last_error.message()));
  }
}

// Those of the machine, what the Node object calls its own first.
std::vector<IpAddress> InOrder(const Node* node,
                               std::vector<IpAddress> addresses) {
  if (node == nullptr) return addresses;
  const std::vector<IpAddress>& named = node->internal_addresses;
  std::stable_partition(
      addresses.begin(), addresses.end(), [&](const IpAddress& address) {
        return std::find(named.begin(), named.end(), address) != named.end();
      });
  return addresses;
}

absl::StatusOr<v1::Explanation> Explain(const v1::ExplainRequest& request,
                                        const std::vector<IpAddress>& addresses,
                                        const Controller& controller,
                                        const LoopHealth& health) {
  if (!controller.CheckKnown().ok()) {
    return absl::UnavailableError(
        "the daemon does not know all objects yet; ask again soon");
  }
  ExplainContext context;
  context.node_name = controller.options().node_name;
  context.layout = controller.options().layout;
  context.node_addresses = InOrder(controller.state().own_node(), addresses);
  ASSIGN_OR_RETURN(v1::Explanation explanation,
                   ExplainByPolicies(request, controller.state(), context));
  TellHealth(health, explanation);
  return explanation;
}

}  // namespace

absl::StatusOr<std::string> AnswerExplain(const std::string& request,
                                          Enforcer& enforcer) {
  v1::ExplainRequest message;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(request, &message);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not an ExplainRequest: ", std::string(parsed.message())));
  }
  ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses, ReadNodeAddresses());
  const EnforcerState state = enforcer.state();
  absl::StatusOr<v1::Explanation> explanation;
  RETURN_IF_ERROR(enforcer.Inspect([&](const Controller& controller) {
    explanation = Explain(message, addresses, controller, state.loop);
  }));
  if (!explanation.ok()) return explanation.status();
  return WireJsonOf(*explanation);
}

}  // namespace netpol
