#include "netpol/daemon/metrics.h"

#include <algorithm>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "netpol/base/version.h"
#include "netpol/daemon/metric_readings.h"
#include "netpol/daemon/process_usage.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/enforcer/kind_name.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace netpol {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

// Those of Prometheus' Go client, which kube-router's histograms have.
const Histogram::BucketBoundaries& TimeBuckets() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return *kBuckets;
}

// From what a table commit takes on an idle node to what nobody would wait for.
const Histogram::BucketBoundaries& LatencyBuckets() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
      0.5,   1,     2,     5,    10,   20,   30,  60};
  return *kBuckets;
}

template <typename T>
prometheus::Family<T>& FamilyOf(prometheus::Registry& registry,
                                const char* name, const char* help) {
  return prometheus::detail::Builder<T>().Name(name).Help(help).Register(
      registry);
}

void Raise(Counter& counter, double to) {
  const double more = to - counter.Value();
  if (more > 0) counter.Increment(more);
}

// One instrument for each entry of a table.
template <typename T, typename From>
struct Row {
  const MetricReading<From>* reading;
  prometheus::Family<T>* family;
};

template <typename T, typename From>
std::vector<Row<T, From>> Register(
    prometheus::Registry& registry,
    absl::Span<const MetricReading<From>> readings) {
  std::vector<Row<T, From>> rows;
  for (const MetricReading<From>& reading : readings) {
    rows.push_back(
        {&reading, &FamilyOf<T>(registry, reading.name, reading.help)});
  }
  return rows;
}

void Set(Gauge& gauge, double value) { gauge.Set(value); }
void Set(Counter& counter, double value) { Raise(counter, value); }

template <typename T, typename From>
void SetAll(const std::vector<Row<T, From>>& rows, const From& from,
            const prometheus::Labels& labels) {
  for (const Row<T, From>& row : rows)
    Set(row.family->Add(labels), row.reading->value(from));
}

}  // namespace

// Families live in the registry; asking one for labels that it has gives the
// instrument that is there.
struct Metrics::Instruments {
  Instruments();

  prometheus::Registry registry;
  std::vector<Row<Gauge, MetricView>> gauges;
  std::vector<Row<Counter, MetricView>> counters;
  std::vector<Row<Gauge, KindView>> kind_gauges;
  std::vector<Row<Counter, KindView>> kind_counters;
  std::vector<std::pair<const MetricReading<SyncTimes>*, Histogram*>> times;
  Histogram* in_kernel = nullptr;
  Counter* set_messages = nullptr;
  Counter* table_commits = nullptr;
  prometheus::Family<Gauge>* backend = nullptr;  // by flavour
  std::mutex updating;  // counters are read, then raised
};

Metrics::Instruments::Instruments()
    : gauges(Register<Gauge>(registry, GaugeReadings())),
      counters(Register<Counter>(registry, CounterReadings())),
      kind_gauges(Register<Gauge>(registry, KindGaugeReadings())),
      kind_counters(Register<Counter>(registry, KindCounterReadings())) {
  for (const MetricReading<SyncTimes>& time : TimeReadings()) {
    times.emplace_back(&time,
                       &FamilyOf<Histogram>(registry, time.name, time.help)
                            .Add({}, TimeBuckets()));
  }
  in_kernel = &FamilyOf<Histogram>(
                   registry, "netpol_event_to_kernel_seconds",
                   "Seconds from the arrival of a change to the end of the "
                   "synchronisation that brought it into the kernel, each "
                   "object of the first listing included")
                   .Add({}, LatencyBuckets());
  auto& writes = FamilyOf<Counter>(
      registry, "netpol_kernel_writes_total",
      "Writes to the kernel by synchronisations that went well: messages about "
      "sets, and commits of a table");
  set_messages = &writes.Add({{"kind", "set_message"}});
  table_commits = &writes.Add({{"kind", "table_commit"}});
  FamilyOf<Gauge>(registry, "kube_router_build_info",
                  "Always 1; the version of what enforces network policies, "
                  "which is not written in Go")
      .Add({{"goversion", "none"}, {"version", kNetpolVersion}})
      .Set(1);
  backend = &FamilyOf<Gauge>(
      registry, "netpol_iptables_backend",
      "1 for the flavour of iptables in which this node is enforced");
  FamilyOf<Gauge>(registry, "netpol_build_info", "Always 1; the version")
      .Add({{"version", kNetpolVersion}})
      .Set(1);
}

Metrics::Metrics() : instruments_(std::make_unique<Instruments>()) {}
Metrics::~Metrics() = default;

void Metrics::Observe(const SyncReport& report) {
  for (const auto& [reading, histogram] : instruments_->times) {
    const double seconds = reading->value(report.times);
    if (seconds > 0) histogram->Observe(seconds);
  }
  instruments_->set_messages->Increment(
      static_cast<double>(report.writes.set_messages));
  instruments_->table_commits->Increment(
      static_cast<double>(report.writes.table_commits));
}

void Metrics::ObserveInKernel(absl::Duration delay, size_t events) {
  if (events == 0) return;
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(delay));
  const auto& bounds = LatencyBuckets();
  std::vector<double> counts(bounds.size() + 1);
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  counts[static_cast<size_t>(bucket - bounds.begin())] =
      static_cast<double>(events);
  instruments_->in_kernel->ObserveMultiple(
      counts, seconds * static_cast<double>(events));
}

void Metrics::Update(const EnforcerState& state, const HealthVerdict& verdict,
                     absl::Time now) {
  const MetricView view = {state, verdict, now, ReadProcessUsage()};
  const std::lock_guard<std::mutex> lock(instruments_->updating);
  SetAll(instruments_->gauges, view, {});
  SetAll(instruments_->counters, view, {});
  for (Flavour flavour : kFlavours) {
    instruments_->backend->Add({{"backend", std::string(FlavourName(flavour))}})
        .Set(state.flavour == flavour ? 1 : 0);
  }
  for (const FollowedKind& kind : state.followed) {
    const prometheus::Labels labels = {
        {"kind", std::string(KindName(kind.kind))}};
    SetAll(instruments_->kind_gauges, KindView{kind, now}, labels);
    SetAll(instruments_->kind_counters, KindView{kind, now}, labels);
  }
}

std::string Metrics::Render() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, instruments_->registry.Collect());
  return out.str();
}

}  // namespace netpol
