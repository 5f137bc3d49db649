// A KubeSource that a test polls, and a controller that hears it.
#ifndef NETPOL_TESTS_APISERVER_POLLED_SOURCE_H_
#define NETPOL_TESTS_APISERVER_POLLED_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/controller.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/watch/kube/kube_source.h"
#include "netpol/watch/watch_source.h"
#include "tests/apiserver/api_writer.h"

namespace netpol {

// "+Pod web/front", "-Pod web/front", "LISTING Pod", "LISTED Pod".
std::string EventText(const v1::WatchEvent& event);

// Everything that the source tells goes to a Controller over a kernel in
// memory, and into told(). Thread-compatible.
class PolledSource {
 public:
  static absl::StatusOr<std::unique_ptr<PolledSource>> Create(
      KubeSourceOptions options);

  // Polls once.
  void Poll(absl::Duration timeout);
  // Polls until then; an error after three minutes.
  absl::Status PollUntil(const std::function<bool()>& condition);
  // Until all four kinds are listed.
  absl::Status AwaitListed();
  // Until the controller's state is what the server has now.
  absl::Status AwaitSame(ApiWriter& writer);
  // Does `work` here, and polls meanwhile by another thread: a server that is
  // stopped waits for its clients to see that their watches are over.
  absl::Status PollDuring(const std::function<absl::Status()>& work);
  // Until the server gives nothing, for any kind; until it does for all.
  absl::Status AwaitFailing();
  absl::Status AwaitWell();

  // One sync, which must go well: the writes that it took.
  uint64_t Sync();

  // What was told since the last Forget(), and the kernel's log.
  const std::vector<std::string>& told() const { return told_; }
  size_t Told(absl::string_view text) const;
  // Those that hold `part`, in their order.
  std::vector<std::string> ToldOf(absl::string_view part) const;
  void Forget();

  // All since the begin.
  const std::vector<std::string>& errors() const { return errors_; }
  const std::vector<std::string>& notices() const { return notices_; }
  bool HasError(absl::string_view part) const;

  FollowedKind Of(v1::WatchEvent::Kind kind) const;
  uint64_t requests_failed() const;
  KubeSource& source() { return *source_; }
  Controller& controller() { return *controller_; }
  FakeDataplane& kernel() { return *kernel_; }

 private:
  PolledSource() = default;

  std::unique_ptr<KubeSource> source_;
  std::unique_ptr<Controller> controller_;
  FakeDataplane* kernel_ = nullptr;  // The controller's.
  std::vector<std::string> told_;
  std::vector<std::string> errors_;
  std::vector<std::string> notices_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_POLLED_SOURCE_H_
