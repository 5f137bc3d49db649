#include "netpol/testing/workload_plan.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

// What an application is: its name, tier and port.
struct Trade {
  const char* name;
  const char* tier;
  int port;
};

constexpr Trade kPlatform[kPlatformSpaces][2] = {
    {{"kube-dns", "platform", 53}, {"metrics-server", "platform", 4443}},
    {{"prometheus", "platform", 9090}, {"grafana", "front", 3000}},
    {{"ingress-nginx", "front", 8443}, {"default-backend", "front", 8080}},
    {{"worker", "back", 8080}, {"scheduler", "back", 8081}},
};

constexpr Trade kTrades[] = {
    {"web", "front", 8080},      {"api", "back", 8000},
    {"postgres", "data", 5432},  {"redis", "data", 6379},
    {"worker", "back", 8080},    {"auth", "back", 9000},
    {"gateway", "front", 8443},  {"catalog", "back", 8000},
    {"kafka", "data", 9092},     {"cart", "back", 8000},
    {"search", "back", 9200},    {"mailer", "back", 2525},
    {"admin", "front", 3000},    {"billing", "back", 8000},
    {"mongo", "data", 27017},    {"images", "back", 8080},
    {"profile", "back", 8000},   {"rabbitmq", "data", 5672},
    {"reports", "back", 8000},   {"frontend", "front", 80},
    {"inventory", "back", 8000}, {"shipping", "back", 8000},
    {"notifier", "back", 8080},  {"cassandra", "data", 9042},
};

constexpr const char* kPlatformNames[kPlatformSpaces] = {
    "kube-system", "monitoring", "ingress-nginx", "batch"};
constexpr const char* kDomains[] = {"orders",  "payments", "search", "media",
                                    "catalog", "identity", "fraud",  "ledger",
                                    "mobile",  "partners", "logs",   "lab"};
// Thousandths of the near pods.
constexpr int kPlatformShares[kPlatformSpaces] = {20, 20, 20, 100};

constexpr int kNearTeams = 10;
constexpr int kFarTeams = 40;
constexpr int kMaxApplications = 12;
static_assert(kMaxApplications <= std::size(kTrades));

// Well mixed bits of a number; the finalizer of splitmix64.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// As Kubernetes writes random names: no vowels, nothing that looks alike.
std::string Letters(uint64_t number, int length) {
  constexpr absl::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (int i = 0; i < length; ++i) {
    text += kAlphabet[number % kAlphabet.size()];
    number /= kAlphabet.size();
  }
  return text;
}

// `total` in `parts`, the i-th in proportion to 1/(i+1).
std::vector<int> SkewedParts(int total, int parts) {
  constexpr int64_t kUnit = 1000000;
  int64_t sum = 0;
  for (int i = 0; i < parts; ++i) sum += kUnit / (i + 1);
  std::vector<int> result;
  int64_t so_far = 0;
  int given = 0;
  for (int i = 0; i < parts; ++i) {
    so_far += kUnit / (i + 1);
    const int upto = static_cast<int>(total * so_far / sum);
    result.push_back(upto - given);
    given = upto;
  }
  return result;
}

const Trade& TradeOf(const WorkloadApplication& application) {
  if (application.space < kPlatformSpaces)
    return kPlatform[application.space][application.index];
  const int first = application.space * 5;
  return kTrades[static_cast<size_t>(first + application.index) %
                 std::size(kTrades)];
}

std::string NodeName(int node) { return absl::StrCat("node-", node); }

std::string NodeAddress4(int node) {
  return absl::StrCat("172.20.", node / 250, ".", 1 + node % 250);
}

std::string NodeAddress6(int node) {
  return absl::StrFormat("fd20::1:%x", node + 1);
}

// Every node has four networks of 256 addresses; they begin where none of the
// small clusters of tests and demonstrations are.
std::string Network4(int number) {
  return absl::StrCat("10.", 64 + number / 256, ".", number % 256, ".");
}

std::string Network6(int node) {
  return absl::StrFormat("fd64:0:0:%x::", node + 1);
}

WorkloadShape Complete(WorkloadShape shape) {
  if (shape.near_namespaces == 0) shape.near_namespaces = shape.namespaces;
  if (shape.near_pods == 0) shape.near_pods = shape.pods;
  if (shape.near_policies == 0) shape.near_policies = shape.policies;
  return shape;
}

}  // namespace

WorkloadPlan::WorkloadPlan(const WorkloadShape& shape, uint64_t seed)
    : shape_(Complete(shape)), seed_(seed) {
  int platform_pods = 0;
  for (int space = 0; space < kPlatformSpaces; ++space) {
    const int pods =
        std::max(3, shape_.near_pods * kPlatformShares[space] / 1000);
    AddSpace(pods, 2);
    platform_pods += pods;
  }
  AddSpaces(shape_.near_namespaces - kPlatformSpaces,
            shape_.near_pods - platform_pods, Mix(seed));
  AddSpaces(shape_.namespaces - shape_.near_namespaces,
            shape_.pods - shape_.near_pods, Mix(seed) + 1);
  PlaceLocalPods(Mix(seed) + 2);
}

void WorkloadPlan::AddSpaces(int count, int pods, uint64_t seed) {
  Random random(seed);
  for (const int part : SkewedParts(pods, count)) {
    const int applications = random.Between(3, kMaxApplications);
    AddSpace(part, std::clamp(part, 1, applications));
  }
}

void WorkloadPlan::AddSpace(int pods, int applications) {
  WorkloadSpace space;
  space.first_application = static_cast<int>(applications_.size());
  space.applications = applications;
  int index = 0;
  for (const int part : SkewedParts(pods, applications)) {
    applications_.push_back(
        {static_cast<int>(spaces_.size()), index++, planned_pods_, part, 0});
    planned_pods_ += part;
  }
  spaces_.push_back(space);
}

// One out of each of as many equal parts of the near pods.
void WorkloadPlan::PlaceLocalPods(uint64_t seed) {
  Random random(seed);
  const int64_t near = shape_.near_pods;
  for (int64_t i = 0; i < shape_.local_pods; ++i) {
    const int first = static_cast<int>(i * near / shape_.local_pods);
    const int end = static_cast<int>((i + 1) * near / shape_.local_pods);
    local_pods_.push_back(random.Between(first, end - 1));
  }
  for (WorkloadApplication& application : applications_) {
    const int end = application.first_pod + application.pods;
    application.local_pods =
        LocalBefore(end) - LocalBefore(application.first_pod);
  }
}

int WorkloadPlan::LocalBefore(int pod) const {
  return static_cast<int>(
      std::lower_bound(local_pods_.begin(), local_pods_.end(), pod) -
      local_pods_.begin());
}

bool WorkloadPlan::IsLocal(int pod) const {
  return std::binary_search(local_pods_.begin(), local_pods_.end(), pod);
}

std::string WorkloadPlan::SpaceName(int space) const {
  if (space < kPlatformSpaces) return kPlatformNames[space];
  return absl::StrCat(
      kDomains[static_cast<size_t>(space) % std::size(kDomains)], "-", space);
}

std::string WorkloadPlan::TeamOf(int space) const {
  return absl::StrCat("team-", IsNear(space) ? space % kNearTeams
                                             : kNearTeams + space % kFarTeams);
}

std::string WorkloadPlan::NameOf(const WorkloadApplication& application) const {
  return TradeOf(application).name;
}

std::string WorkloadPlan::TierOf(const WorkloadApplication& application) const {
  return TradeOf(application).tier;
}

int WorkloadPlan::PortOf(const WorkloadApplication& application) const {
  return TradeOf(application).port;
}

k8s::Namespace WorkloadPlan::MakeNamespaceOf(int space) const {
  const std::string name = SpaceName(space);
  LabelList labels = {{"kubernetes.io/metadata.name", name},
                      {kPoolLabel, IsNear(space) ? "pool-a" : "pool-b"}};
  if (space >= kPlatformSpaces) {
    constexpr const char* kStages[] = {"production", "staging", "test",
                                       "production", "test"};
    labels.emplace_back("stage", kStages[space % 5]);
    labels.emplace_back("team", TeamOf(space));
    if (IsNear(space) && space % 16 == 7)
      labels.emplace_back(kAccessLabel, "granted");
  }
  return MakeNamespace(name, labels);
}

// One application in ten is being rolled out: every second pod of it has the
// template of before.
bool WorkloadPlan::HasOldTemplate(const WorkloadApplication& application,
                                  int pod) const {
  return pod % 2 == 1 && IdentityOf(application) % 10 == 0;
}

uint64_t WorkloadPlan::IdentityOf(
    const WorkloadApplication& application) const {
  return Mix(seed_ ^ (static_cast<uint64_t>(application.space) << 32 |
                      static_cast<uint64_t>(application.index)));
}

void WorkloadPlan::AddLabels(const WorkloadApplication& application, int pod,
                             PodBuilder& builder) const {
  const Trade& trade = TradeOf(application);
  const uint64_t identity = IdentityOf(application);
  builder.Label("app", trade.name).Label("tier", trade.tier);
  builder.Label("pod-template-hash", TemplateOf(application, pod));
  // What was installed by a chart.
  if (identity % 7 < 4) {
    builder.Label("app.kubernetes.io/name", trade.name)
        .Label("app.kubernetes.io/instance",
               absl::StrCat(trade.name, "-", SpaceName(application.space)))
        .Label("app.kubernetes.io/version",
               absl::StrCat("1.", identity % 20, ".0"));
  }
  if (application.space == kDnsSpace) builder.Label("k8s-app", trade.name);
}

void WorkloadPlan::AddPorts(const WorkloadApplication& application, int pod,
                            PodBuilder& builder) const {
  const int port = PortOf(application);
  if (application.space == kDnsSpace && application.index == 0) {
    builder.Port("dns", port, "UDP").Port("dns-tcp", port, "TCP");
    return;
  }
  builder.Port("http", port + (HasOldTemplate(application, pod) ? 1 : 0), "TCP")
      .Port("metrics", 9102, "TCP");
}

std::string WorkloadPlan::TemplateOf(const WorkloadApplication& application,
                                     int pod) const {
  const uint64_t identity = IdentityOf(application);
  return Letters(HasOldTemplate(application, pod) ? Mix(identity) : identity,
                 10);
}

k8s::Pod WorkloadPlan::MakePod(int pod) const {
  // The last application that begins at or before it; empty ones begin where
  // the next one does.
  const auto after =
      std::upper_bound(applications_.begin(), applications_.end(), pod,
                       [](int number, const WorkloadApplication& application) {
                         return number < application.first_pod;
                       });
  const WorkloadApplication& application = *std::prev(after);
  return MakePodOf(application, pod - application.first_pod);
}

k8s::Pod WorkloadPlan::MakePodOf(const WorkloadApplication& application,
                                 int pod) const {
  const int number = application.first_pod + pod;
  const std::string name = NameOf(application);
  // 5^6 and the size of the alphabet have no common divisor: no name is given
  // twice.
  const auto suffix = static_cast<uint64_t>(number) * 15625;
  PodBuilder builder(SpaceName(application.space),
                     absl::StrCat(name, "-", TemplateOf(application, pod), "-",
                                  Letters(suffix, 5)));
  const uint64_t bits = Mix(seed_ ^ static_cast<uint64_t>(number));
  builder.Uid(absl::StrFormat("%08x-%04x-4%03x-8%03x-%012x", bits >> 32,
                              bits >> 16 & 0xffff, bits >> 4 & 0xfff,
                              bits & 0xfff, number));
  builder.Created(1750000000 + static_cast<int64_t>(bits % 10000000))
      .Phase("Running");
  AddLabels(application, pod, builder);
  AddPorts(application, pod, builder);
  AddAddresses(number, builder);
  k8s::Pod made = builder.Build();
  made.mutable_spec()->mutable_containers(0)->set_name(name);
  return made;
}

void WorkloadPlan::AddAddresses(int pod, PodBuilder& builder) const {
  const int local_before = LocalBefore(pod);
  const int others = std::max(1, shape_.nodes - 1);
  const int remote = pod - local_before;
  const bool local = IsLocal(pod);
  const int node = local ? 0 : 1 + remote % others;
  const int place = local ? local_before : remote / others;
  builder.On(NodeName(node));
  if (shape_.ipv4) {
    const std::string address =
        absl::StrCat(Network4(4 * node + place / 250), 2 + place % 250);
    builder.OldIp(address).Ip(address);
  }
  if (shape_.ipv6) {
    const std::string address =
        absl::StrFormat("%s%x", Network6(node), 2 + place);
    if (!shape_.ipv4) builder.OldIp(address);
    builder.Ip(address);
  }
}

k8s::Node WorkloadPlan::MakeNodeOf(int node) const {
  NodeBuilder builder(NodeName(node));
  if (shape_.ipv4) {
    const std::string cidr = absl::StrCat(Network4(4 * node), "0/22");
    builder.Address(NodeAddress4(node)).OldPodCidr(cidr).PodCidr(cidr);
  }
  if (shape_.ipv6) {
    const std::string cidr = absl::StrCat(Network6(node), "/64");
    if (!shape_.ipv4) builder.OldPodCidr(cidr);
    builder.Address(NodeAddress6(node)).PodCidr(cidr);
  }
  builder.Address(NodeName(node), "Hostname");
  return builder.Build();
}

}  // namespace netpol
