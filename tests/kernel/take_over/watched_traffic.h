// Packets that flow round after round while somebody works at the rules.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_WATCHED_TRAFFIC_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_WATCHED_TRAFFIC_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/steady_traffic/conversations.h"
#include "tests/kernel/steady_traffic/watched_flow.h"

namespace netpol {

struct TrafficTally {
  int64_t rounds = 0;
  int64_t packets = 0;  // that opened a connection, or were sent on one
  int64_t wrong = 0;    // of these
  // The first few, and what was done when they met the wrong verdict.
  std::vector<std::string> stories;
};

// Every round sends a packet of each flow, as a new connection, and something
// each way on a few connections that are kept. Sends in a thread of its own
// from Begin() to End(); other methods may be called from any thread.
class WatchedTraffic {
 public:
  // `lab` is borrowed, and nobody else sends packets in it meanwhile. The
  // allowed flows must be allowed already: the connections are opened now.
  static absl::StatusOr<std::unique_ptr<WatchedTraffic>> Begin(
      PacketLab* lab, std::vector<WatchedFlow> flows);
  ~WatchedTraffic();

  // What is being done from now on, for the stories.
  void Note(absl::string_view what);

  // Until a whole round has met things as they are now; not for ever.
  void AwaitRound();

  // The last round begins and ends after this call.
  absl::StatusOr<TrafficTally> End();

 private:
  WatchedTraffic(PacketLab* lab, std::vector<WatchedFlow> flows);

  absl::Status Converse();
  absl::Status SendRound(const std::vector<ProbeSpec>& specs);
  void Run();
  void Blame(const WatchedFlow& flow, bool arrived);
  int64_t LostWords() const;

  PacketLab* const lab_;
  const std::vector<WatchedFlow> flows_;
  Conversations conversations_;
  std::mutex mutex_;
  std::condition_variable round_ended_;
  int64_t begun_ = 0;  // rounds
  int64_t ended_ = 0;
  bool over_ = false;
  std::string what_ = "nothing yet";
  absl::Status failure_;
  TrafficTally tally_;
  std::thread thread_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_WATCHED_TRAFFIC_H_
