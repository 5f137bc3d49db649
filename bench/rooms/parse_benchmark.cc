// From wire objects to values, and to wire objects from bytes and from
// manifests. Figures in p50_us and the like are for one object.
#include <algorithm>
#include <string>
#include <vector>

#include "bench/rooms/bench_main.h"
#include "bench/rooms/operation_meter.h"
#include "benchmark/benchmark.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/manifest_writer.h"
#include "netpol/testing/workload.h"
#include "netpol/watch/manifests/object_reader.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {
namespace {

// Objects of one kind that an iteration goes through.
constexpr size_t kObjects = 1000;

const Cluster& Objects() {
  static const auto* const cluster =
      new Cluster(MakeWorkload(NamedWorkload("L/8"), 1));
  return *cluster;
}

// Runs `each` over the first objects.
template <typename Object, typename Each>
void OverObjects(benchmark::State& state, const std::vector<Object>& objects,
                 Each each) {
  const size_t count = std::min(objects.size(), kObjects);
  OperationMeter meter;
  for (auto _ : state) {
    state.SetIterationTime(meter.Measure([&] {
      for (size_t i = 0; i < count; ++i) each(objects[i]);
    }));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  meter.Report(state, static_cast<int64_t>(count));
}

void BM_ParsePod(benchmark::State& state) {
  OverObjects(state, Objects().pods, [](const k8s::Pod& pod) {
    benchmark::DoNotOptimize(ParsePod(pod).ok());
  });
}
BENCHMARK(BM_ParsePod)->UseManualTime()->Unit(benchmark::kMicrosecond);

void BM_ParsePolicy(benchmark::State& state) {
  OverObjects(state, Objects().policies, [](const k8s::NetworkPolicy& policy) {
    benchmark::DoNotOptimize(ParseNetworkPolicy(policy).ok());
  });
}
BENCHMARK(BM_ParsePolicy)->UseManualTime()->Unit(benchmark::kMicrosecond);

void BM_ParseNamespace(benchmark::State& state) {
  OverObjects(state, Objects().namespaces, [](const k8s::Namespace& ns) {
    benchmark::DoNotOptimize(ParseNamespace(ns).ok());
  });
}
BENCHMARK(BM_ParseNamespace)->UseManualTime()->Unit(benchmark::kMicrosecond);

// Bytes of the wire to an event, as they come through a C interface.
template <typename Object>
void Decode(benchmark::State& state, const std::vector<Object>& objects) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(objects.size(), kObjects); ++i)
    texts.push_back(Upsert(objects[i]).SerializeAsString());
  OverObjects(state, texts, [](const std::string& text) {
    v1::WatchEvent event;
    benchmark::DoNotOptimize(event.ParseFromString(text));
  });
}
void BM_DecodePod(benchmark::State& state) { Decode(state, Objects().pods); }
BENCHMARK(BM_DecodePod)->UseManualTime()->Unit(benchmark::kMicrosecond);
void BM_DecodePolicy(benchmark::State& state) {
  Decode(state, Objects().policies);
}
BENCHMARK(BM_DecodePolicy)->UseManualTime()->Unit(benchmark::kMicrosecond);

// A manifest of one object to that object, and to what is wrong with it.
template <typename Object>
void ReadManifests(benchmark::State& state,
                   const std::vector<Object>& objects) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(objects.size(), kObjects); ++i)
    texts.push_back(ManifestOf(objects[i]));
  bool sound = true;
  OverObjects(state, texts, [&](const std::string& text) {
    const ManifestReading reading = ReadManifestText("bench.yaml", text);
    sound = sound && reading.objects.size() == 1 && reading.problems.empty();
  });
  if (!sound) state.SkipWithError("a manifest was not taken as written");
}
void BM_ReadPodManifest(benchmark::State& state) {
  ReadManifests(state, Objects().pods);
}
BENCHMARK(BM_ReadPodManifest)->UseManualTime()->Unit(benchmark::kMicrosecond);
void BM_ReadPolicyManifest(benchmark::State& state) {
  ReadManifests(state, Objects().policies);
}
BENCHMARK(BM_ReadPolicyManifest)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarks(argc, argv, 0.2);
}
