// What each metric is read from: names, help texts, and the number.
#ifndef NETPOL_DAEMON_METRIC_READINGS_H_
#define NETPOL_DAEMON_METRIC_READINGS_H_

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "netpol/daemon/process_usage.h"
#include "netpol/enforcer/enforcer_state.h"
#include "netpol/enforcer/health.h"
#include "netpol/sync/sync_report.h"
#include "netpol/watch/watch_source.h"

namespace netpol {

// One number out of `From`. The texts are literals.
template <typename From>
struct MetricReading {
  const char* name;
  const char* help;
  double (*value)(const From&);
};

// How it stands with an enforcer and its process. Borrowed.
struct MetricView {
  const EnforcerState& state;
  const HealthVerdict& verdict;
  absl::Time now;
  ProcessUsage process;
};

// How one kind is followed, for metrics with the label "kind". Borrowed.
struct KindView {
  const FollowedKind& kind;
  absl::Time now;
};

absl::Span<const MetricReading<MetricView>> GaugeReadings();
// Numbers that only grow.
absl::Span<const MetricReading<MetricView>> CounterReadings();
absl::Span<const MetricReading<KindView>> KindGaugeReadings();
absl::Span<const MetricReading<KindView>> KindCounterReadings();
// In seconds, for histograms; 0 where there was nothing to measure.
absl::Span<const MetricReading<SyncTimes>> TimeReadings();

}  // namespace netpol

#endif  // NETPOL_DAEMON_METRIC_READINGS_H_
