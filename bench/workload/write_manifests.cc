// Writes a workload as Kubernetes manifests, so that another controller can be
// run on the same input, or this one by its --manifests.
//
//   third_party/bazel run //bench/workload:write_manifests --
//       --workload=M --seed=1 DIR
//
// The node under test is node-0 (--hostname-override=node-0).
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/manifest_writer.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

struct Wish {
  std::string workload = "S";
  uint64_t seed = 1;
  bool ipv6 = false;
  std::string folder;
};

absl::Status Write(const Wish& wish) {
  absl::StatusOr<WorkloadShape> shape = FindWorkload(wish.workload);
  if (!shape.ok()) return shape.status();
  shape->ipv6 = wish.ipv6;
  const Cluster cluster = MakeWorkload(*shape, wish.seed);
  const absl::Status written = WriteManifests(cluster, wish.folder);
  if (!written.ok()) return written;
  std::cout << wish.folder << ": " << cluster.namespaces.size()
            << " namespaces, " << cluster.nodes.size() << " nodes, "
            << cluster.pods.size() << " pods, " << cluster.policies.size()
            << " policies; the node under test is " << kWorkloadNode << "\n";
  return absl::OkStatus();
}

int Run(int argc, char** argv) {
  Wish wish;
  CLI::App app("Writes a workload as Kubernetes manifests.");
  app.add_option("--workload", wish.workload,
                 "One of " + absl::StrJoin(WorkloadNames(), ", "));
  app.add_option("--seed", wish.seed, "The same seed, the same cluster");
  app.add_flag("--ipv6", wish.ipv6, "Give everything IPv6 addresses as well");
  app.add_option("DIR", wish.folder, "A folder that is empty or not there")
      ->required();
  CLI11_PARSE(app, argc, argv);
  // `bazel run` starts programs elsewhere.
  const char* directory = getenv("BUILD_WORKING_DIRECTORY");
  if (directory != nullptr && wish.folder.front() != '/')
    wish.folder = absl::StrCat(directory, "/", wish.folder);
  const absl::Status status = Write(wish);
  if (status.ok()) return 0;
  std::cerr << "write_manifests: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) { return netpol::Run(argc, argv); }
