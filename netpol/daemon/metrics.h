// What a running enforcer shows to Prometheus.
#ifndef NETPOL_DAEMON_METRICS_H_
#define NETPOL_DAEMON_METRICS_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "netpol/enforcer/enforcer_state.h"
#include "netpol/enforcer/health.h"
#include "netpol/sync/sync_report.h"

namespace netpol {

// Has kube-router's names, kinds, labels and buckets where the same is measured
// (kube_router_controller_..., kube_router_build_info), so that its dashboards
// work; the rest is named netpol_..., and process_... as everywhere. The help
// texts say what each means.
//
// A registry of its own each, nothing global. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A sync went well, see EnforcerCallbacks::on_synced. Memory only.
  void Observe(const SyncReport& report);
  // See EnforcerCallbacks::on_in_kernel. Memory only.
  void ObserveInKernel(absl::Duration delay, size_t events);

  // How it stands `now`; before each Render(). Reads /proc.
  void Update(const EnforcerState& state, const HealthVerdict& verdict,
              absl::Time now);

  // Prometheus' text form, version 0.0.4; several lines.
  std::string Render() const;

 private:
  struct Instruments;

  std::unique_ptr<Instruments> instruments_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_METRICS_H_
