#include "tests/kernel/walk/faulty_kernel.h"

#include <utility>

#include "absl/strings/match.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/forwarding_dataplane.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

class ForgetfulKernel : public ForwardingDataplane {
 public:
  ForgetfulKernel(std::unique_ptr<Dataplane> kernel, SetType type)
      : ForwardingDataplane(std::move(kernel)), type_(type) {}

  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override {
    if (spec.type == type_) return absl::OkStatus();
    return ForwardingDataplane::RemoveMembers(spec, members);
  }

 private:
  SetType type_;
};

class BlindKernel : public ForwardingDataplane {
 public:
  BlindKernel(std::unique_ptr<Dataplane> kernel, SetType type)
      : ForwardingDataplane(std::move(kernel)), type_(type) {}

  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override {
    ASSIGN_OR_RETURN(Snapshot snapshot, ForwardingDataplane::Read(families));
    for (auto& [name, set] : snapshot.sets) {
      if (set.spec.type == type_) set.members.clear();
    }
    return snapshot;
  }

 private:
  SetType type_;
};

class CarelessKernel : public ForwardingDataplane {
 public:
  CarelessKernel(std::unique_ptr<Dataplane> kernel, std::string prefix)
      : ForwardingDataplane(std::move(kernel)), prefix_(std::move(prefix)) {}

  absl::Status CommitTable(const TableChange& change) override {
    TableChange less = change;
    for (Chain& chain : less.write) {
      if (absl::StartsWith(chain.name.value(), prefix_) &&
          !chain.rules.empty()) {
        chain.rules.pop_back();
      }
    }
    return ForwardingDataplane::CommitTable(less);
  }

 private:
  std::string prefix_;
};

// The real one, seen through a `Faulty` of this kind.
template <typename Faulty, typename Kind>
OpenKernel Opening(Kind kind) {
  return [kind]() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel, OpenLabKernel());
    return std::make_unique<Faulty>(std::move(kernel), kind);
  };
}

}  // namespace

OpenKernel ForgettingMemberRemovals(SetType type) {
  return Opening<ForgetfulKernel>(type);
}

OpenKernel BlindToMembers(SetType type) { return Opening<BlindKernel>(type); }

OpenKernel LosingTheLastRule(const std::string& prefix) {
  return Opening<CarelessKernel>(prefix);
}

}  // namespace netpol
