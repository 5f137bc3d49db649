#include "tests/kernel/walk/faulty_kernel.h"

#include <utility>

#include "absl/strings/match.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/linux_dataplane.h"

namespace netpol {
namespace {

// Passes everything on.
class HonestKernel : public Dataplane {
 public:
  explicit HonestKernel(std::unique_ptr<Dataplane> kernel)
      : kernel_(std::move(kernel)) {}

  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override {
    return kernel_->Read(families);
  }
  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override {
    return kernel_->CreateSet(spec, members);
  }
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return kernel_->AddMembers(spec, members);
  }
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override {
    return kernel_->RemoveMembers(spec, members);
  }
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return kernel_->ReplaceSet(spec, members);
  }
  absl::Status DestroySet(const SetName& name) override {
    return kernel_->DestroySet(name);
  }
  absl::Status CommitTable(const TableChange& change) override {
    return kernel_->CommitTable(change);
  }
  WriteCounts writes() const override { return kernel_->writes(); }

 private:
  std::unique_ptr<Dataplane> kernel_;
};

class ForgetfulKernel : public HonestKernel {
 public:
  ForgetfulKernel(std::unique_ptr<Dataplane> kernel, SetType type)
      : HonestKernel(std::move(kernel)), type_(type) {}

  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override {
    if (spec.type == type_) return absl::OkStatus();
    return HonestKernel::RemoveMembers(spec, members);
  }

 private:
  SetType type_;
};

class BlindKernel : public HonestKernel {
 public:
  BlindKernel(std::unique_ptr<Dataplane> kernel, SetType type)
      : HonestKernel(std::move(kernel)), type_(type) {}

  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override {
    ASSIGN_OR_RETURN(Snapshot snapshot, HonestKernel::Read(families));
    for (auto& [name, set] : snapshot.sets) {
      if (set.spec.type == type_) set.members.clear();
    }
    return snapshot;
  }

 private:
  SetType type_;
};

class CarelessKernel : public HonestKernel {
 public:
  CarelessKernel(std::unique_ptr<Dataplane> kernel, std::string prefix)
      : HonestKernel(std::move(kernel)), prefix_(std::move(prefix)) {}

  absl::Status CommitTable(const TableChange& change) override {
    TableChange less = change;
    for (Chain& chain : less.write) {
      if (absl::StartsWith(chain.name.value(), prefix_) &&
          !chain.rules.empty()) {
        chain.rules.pop_back();
      }
    }
    return HonestKernel::CommitTable(less);
  }

 private:
  std::string prefix_;
};

// The real one, seen through a `Faulty` of this kind.
template <typename Faulty, typename Kind>
OpenKernel Opening(Kind kind) {
  return [kind]() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel,
                     LinuxDataplane::Create({}));
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
