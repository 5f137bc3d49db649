#include "netpol/testing/workload_policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

using Peers = PolicyBuilder::Peers;
using Ports = PolicyBuilder::Ports;
using Types = std::vector<std::string>;

constexpr char kNameLabel[] = "kubernetes.io/metadata.name";

// Adds what both kinds of selector have.
k8s::LabelSelector Both(k8s::LabelSelector a, const k8s::LabelSelector& b) {
  a.MergeFrom(b);
  return a;
}

// Draws one policy. One object is one policy; the streams of two do not meet.
class PolicyDraw {
 public:
  PolicyDraw(const WorkloadPlan& plan, int number)
      : plan_(plan),
        number_(number),
        near_(number < plan.shape().near_policies),
        random_(plan.seed() * 1000003 + static_cast<uint64_t>(number)) {}

  k8s::NetworkPolicy Make();

 private:
  struct Kind {
    const char* name;
    int share;  // of the sum of all
    void (PolicyDraw::*draw)(PolicyBuilder& policy);
  };
  static const std::vector<Kind>& Kinds();

  const Kind& DrawKind();
  int DrawSpace();
  // One of `space`; the large ones more often.
  const WorkloadApplication& DrawApplication(int space);
  const WorkloadApplication& DrawSubject();
  // A namespace that is near like this policy, or not.
  int DrawOtherSpace();
  // For traffic to `application`.
  Ports DrawPorts(const WorkloadApplication& application);

  // Selects a whole namespace, or an application of it, which it returns.
  const WorkloadApplication& SelectApplication(PolicyBuilder& policy);
  k8s::LabelSelector Labelled(const WorkloadApplication& application) const;
  // One of the ways in which authors of rules name an application.
  k8s::LabelSelector DrawLabels(const WorkloadApplication& application);
  k8s::LabelSelector NearNamespaces() const;
  void AddBlock(Peers& peers, const std::string& v4, const std::string& v6,
                const Types& except4 = {}, const Types& except6 = {}) const;

  void DefaultDeny(PolicyBuilder& policy);
  void AllowDns(PolicyBuilder& policy);
  void AllowMonitoring(PolicyBuilder& policy);
  void AllowIngressController(PolicyBuilder& policy);
  void AllowSameNamespace(PolicyBuilder& policy);
  void AllowApplications(PolicyBuilder& policy);
  void AllowOtherTeam(PolicyBuilder& policy);
  void AllowByExpressions(PolicyBuilder& policy);
  void AllowStages(PolicyBuilder& policy);
  void AllowInternet(PolicyBuilder& policy);
  void AllowProviders(PolicyBuilder& policy);
  void AllowNetworks(PolicyBuilder& policy);
  void AllowOut(PolicyBuilder& policy);
  void AllowPeer(PolicyBuilder& policy);
  void AllowDataAccess(PolicyBuilder& policy);
  void AllowCluster(PolicyBuilder& policy);

  const WorkloadPlan& plan_;
  const int number_;
  const bool near_;
  Random random_;
  int space_ = 0;
};

const std::vector<PolicyDraw::Kind>& PolicyDraw::Kinds() {
  static const auto* const kKinds = new std::vector<Kind>{
      {"default-deny", 8, &PolicyDraw::DefaultDeny},
      {"allow-dns", 8, &PolicyDraw::AllowDns},
      {"allow-monitoring", 9, &PolicyDraw::AllowMonitoring},
      {"allow-ingress-nginx", 6, &PolicyDraw::AllowIngressController},
      {"allow-same-namespace", 6, &PolicyDraw::AllowSameNamespace},
      {"allow-apps", 28, &PolicyDraw::AllowApplications},
      {"allow-out", 8, &PolicyDraw::AllowOut},
      {"allow-team", 6, &PolicyDraw::AllowOtherTeam},
      {"allow-tiers", 5, &PolicyDraw::AllowByExpressions},
      {"allow-stages", 2, &PolicyDraw::AllowStages},
      {"allow-internet", 4, &PolicyDraw::AllowInternet},
      {"allow-providers", 3, &PolicyDraw::AllowProviders},
      {"allow-networks", 4, &PolicyDraw::AllowNetworks},
      {"allow-data-access", 2, &PolicyDraw::AllowDataAccess},
      {"allow-cluster", 1, &PolicyDraw::AllowCluster},
  };
  return *kKinds;
}

const PolicyDraw::Kind& PolicyDraw::DrawKind() {
  static const auto* const kFixed = new std::vector<Kind>{
      {"allow-peer", 0, &PolicyDraw::AllowPeer},
      {"allow-data-access", 0, &PolicyDraw::AllowDataAccess},
      {"allow-cluster", 0, &PolicyDraw::AllowCluster},
  };
  const bool cluster = plan_.shape().whole_cluster_peer;
  if (number_ < kWholeClusterPolicy + (cluster ? 1 : 0))
    return (*kFixed)[static_cast<size_t>(number_)];
  int sum = 0;
  for (const Kind& kind : Kinds()) sum += kind.share;
  int draw = random_.Between(0, sum - 1);
  for (const Kind& kind : Kinds()) {
    draw -= kind.share;
    if (draw < 0) return kind;
  }
  return Kinds().front();
}

k8s::NetworkPolicy PolicyDraw::Make() {
  space_ = DrawSpace();
  const Kind& kind = DrawKind();
  PolicyBuilder policy(plan_.SpaceName(space_),
                       absl::StrCat(kind.name, "-", number_));
  (this->*kind.draw)(policy);
  return policy.Build();
}

int PolicyDraw::DrawSpace() {
  if (number_ <= kWholeClusterPolicy) return kPlatformSpaces;
  for (int tries = 0; tries < 100; ++tries) {
    const int space = DrawOtherSpace();
    if (!near_ || !plan_.shape().local_policies_only) return space;
    const WorkloadSpace& its = plan_.spaces()[static_cast<size_t>(space)];
    for (int i = 0; i < its.applications; ++i) {
      if (plan_.application(space, i).local_pods > 0) return space;
    }
  }
  return kPlatformSpaces;
}

int PolicyDraw::DrawOtherSpace() {
  const int near = plan_.shape().near_namespaces;
  const int far = plan_.shape().namespaces - near;
  const bool from_far = !near_ && far > 0;
  const auto count = static_cast<uint64_t>(from_far ? far : near);
  // The smaller of two: large namespaces have more policies.
  const uint64_t one = random_.Below(count);
  const uint64_t other = random_.Below(count);
  return static_cast<int>(std::min(one, other)) + (from_far ? near : 0);
}

const WorkloadApplication& PolicyDraw::DrawApplication(int space) {
  const WorkloadSpace& its = plan_.spaces()[static_cast<size_t>(space)];
  const auto count = static_cast<uint64_t>(its.applications);
  const uint64_t one = random_.Below(count);
  const uint64_t other = random_.Below(count);
  return plan_.application(space, static_cast<int>(std::min(one, other)));
}

const WorkloadApplication& PolicyDraw::DrawSubject() {
  if (number_ <= kWholeClusterPolicy) return plan_.application(space_, 0);
  const bool local = near_ && plan_.shape().local_policies_only;
  for (int tries = 0; tries < 100; ++tries) {
    const WorkloadApplication& drawn = DrawApplication(space_);
    if (!local || drawn.local_pods > 0) return drawn;
  }
  const WorkloadSpace& its = plan_.spaces()[static_cast<size_t>(space_)];
  int index = 0;
  while (index + 1 < its.applications &&
         plan_.application(space_, index).local_pods == 0) {
    ++index;
  }
  return plan_.application(space_, index);
}

Ports PolicyDraw::DrawPorts(const WorkloadApplication& application) {
  const int port = plan_.PortOf(application);
  const int kind = random_.Between(0, 99);
  if (kind < 15) return {NamePort("TCP", "http")};
  if (kind < 22) return {RangePort("TCP", 9000, 9100)};
  if (kind < 32) return {};
  if (kind < 36) return {NumberPort("UDP", port)};
  if (kind < 50) {
    return {NumberPort("TCP", port), NumberPort("TCP", 443),
            NamePort("TCP", "metrics")};
  }
  return {NumberPort("TCP", port)};
}

k8s::LabelSelector PolicyDraw::Labelled(
    const WorkloadApplication& application) const {
  return MatchLabels({{"app", plan_.NameOf(application)}});
}

k8s::LabelSelector PolicyDraw::DrawLabels(
    const WorkloadApplication& application) {
  const std::string name = plan_.NameOf(application);
  const int way = random_.Between(0, 9);
  if (way < 6) return Labelled(application);
  if (way < 8) {
    return MatchLabels({{"app", name}, {"tier", plan_.TierOf(application)}});
  }
  if (way < 9) return MatchLabels({{"app.kubernetes.io/name", name}});
  const WorkloadApplication& other = DrawApplication(application.space);
  return MatchExpression("app", "In", {name, plan_.NameOf(other)});
}

const WorkloadApplication& PolicyDraw::SelectApplication(
    PolicyBuilder& policy) {
  const WorkloadApplication& application = DrawSubject();
  policy.Selects(Labelled(application));
  return application;
}

k8s::LabelSelector PolicyDraw::NearNamespaces() const {
  return MatchLabels({{kPoolLabel, near_ ? "pool-a" : "pool-b"}});
}

void PolicyDraw::AddBlock(Peers& peers, const std::string& v4,
                          const std::string& v6, const Types& except4,
                          const Types& except6) const {
  if (plan_.shape().ipv4) peers.push_back(BlockPeer(v4, except4));
  if (plan_.shape().ipv6) peers.push_back(BlockPeer(v6, except6));
}

void PolicyDraw::DefaultDeny(PolicyBuilder& policy) {
  policy.Selects(MatchLabels());
  if (random_.Chance(60)) {
    policy.Types({"Ingress"});
  } else {
    policy.Types({"Ingress", "Egress"});
  }
}

void PolicyDraw::AllowDns(PolicyBuilder& policy) {
  policy.Selects(MatchLabels()).Types({"Egress"});
  policy.Egress({PodInNamespacePeer(MatchLabels({{kNameLabel, "kube-system"}}),
                                    MatchLabels({{"k8s-app", "kube-dns"}}))},
                {NumberPort("UDP", 53), NumberPort("TCP", 53)});
}

void PolicyDraw::AllowMonitoring(PolicyBuilder& policy) {
  if (random_.Chance(60)) {
    policy.Selects(MatchLabels());
  } else {
    SelectApplication(policy);
  }
  policy.Types({"Ingress"});
  policy.Ingress({PodInNamespacePeer(MatchLabels({{kNameLabel, "monitoring"}}),
                                     MatchLabels({{"app", "prometheus"}}))},
                 {NamePort("TCP", "metrics")});
}

void PolicyDraw::AllowIngressController(PolicyBuilder& policy) {
  SelectApplication(policy);
  policy.Types({"Ingress"});
  policy.Ingress({NamespacePeer(MatchLabels({{kNameLabel, "ingress-nginx"}}))},
                 {NamePort("TCP", "http")});
}

void PolicyDraw::AllowSameNamespace(PolicyBuilder& policy) {
  policy.Selects(MatchLabels());
  const bool egress = random_.Chance(30);
  policy.Types(egress ? Types{"Ingress", "Egress"} : Types{"Ingress"});
  policy.Ingress({PodPeer(MatchLabels())});
  if (egress) policy.Egress({PodPeer(MatchLabels())});
}

void PolicyDraw::AllowApplications(PolicyBuilder& policy) {
  const WorkloadApplication& subject = SelectApplication(policy);
  policy.Types({"Ingress"});
  const int rules = random_.Between(1, 3);
  for (int rule = 0; rule < rules; ++rule) {
    Peers peers;
    const int count = random_.Chance(60) ? 1 : random_.Between(2, 3);
    for (int i = 0; i < count; ++i)
      peers.push_back(PodPeer(DrawLabels(DrawApplication(space_))));
    const Ports ports = DrawPorts(subject);
    policy.Ingress(peers, ports);
  }
}

void PolicyDraw::AllowOut(PolicyBuilder& policy) {
  SelectApplication(policy);
  policy.Types({"Egress"});
  const int rules = random_.Between(1, 2);
  for (int rule = 0; rule < rules; ++rule) {
    const WorkloadApplication& target = DrawApplication(space_);
    const Ports ports = DrawPorts(target);
    const k8s::LabelSelector labels = DrawLabels(target);
    policy.Egress({PodPeer(labels)}, ports);
  }
}

void PolicyDraw::AllowOtherTeam(PolicyBuilder& policy) {
  const WorkloadApplication& subject = SelectApplication(policy);
  policy.Types({"Ingress"});
  const int other = std::max(DrawOtherSpace(), kPlatformSpaces);
  const WorkloadApplication& caller = DrawApplication(other);
  const Ports ports = DrawPorts(subject);
  policy.Ingress(
      {PodInNamespacePeer(MatchLabels({{"team", plan_.TeamOf(other)}}),
                          Labelled(caller))},
      ports);
}

void PolicyDraw::AllowByExpressions(PolicyBuilder& policy) {
  policy.Selects(MatchExpression("tier", "In", {"back", "data", "platform"}));
  if (near_ && plan_.shape().local_policies_only)
    policy.Selects(MatchExpression("tier", "Exists"));
  policy.Types({"Ingress", "Egress"});
  const WorkloadApplication& kept_out = DrawApplication(space_);
  policy.Ingress({PodPeer(Both(MatchExpression("tier", "In", {"front", "back"}),
                               MatchExpression("app", "NotIn",
                                               {plan_.NameOf(kept_out)})))},
                 {NumberPort("TCP", plan_.PortOf(kept_out))});
  policy.Egress({PodPeer(MatchExpression("app.kubernetes.io/name", "Exists"))});
}

void PolicyDraw::AllowStages(PolicyBuilder& policy) {
  const WorkloadApplication& subject = SelectApplication(policy);
  policy.Types({"Ingress"});
  const bool both = random_.Chance(50);
  policy.Ingress(
      {NamespacePeer(Both(NearNamespaces(),
                          MatchExpression("stage", "In",
                                          both ? Types{"production", "staging"}
                                               : Types{"production"})))},
      {NumberPort("TCP", plan_.PortOf(subject))});
}

void PolicyDraw::AllowInternet(PolicyBuilder& policy) {
  SelectApplication(policy);
  policy.Types({"Egress"});
  Peers peers;
  AddBlock(peers, "0.0.0.0/0", "::/0",
           {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, {"fc00::/7"});
  policy.Egress(peers, {NumberPort("TCP", 443)});
}

// The published addresses of one of three providers, which many policies have
// word for word.
void PolicyDraw::AllowProviders(PolicyBuilder& policy) {
  SelectApplication(policy);
  policy.Types({"Egress"});
  const int provider = random_.Between(0, 2);
  Peers peers;
  for (int i = 0; i < 40 + 20 * provider; ++i) {
    AddBlock(peers,
             absl::StrCat(13 + provider, ".", 3 * i, ".", 7 * i % 256, ".0/",
                          24 + i % 5),
             absl::StrCat("2001:db8:", 1 + provider, ":", 1 + i, "::/64"));
  }
  policy.Egress(peers, {NumberPort("TCP", 443)});
}

// The company's own networks, as one policy's author wrote them.
void PolicyDraw::AllowNetworks(PolicyBuilder& policy) {
  const bool egress = random_.Chance(50);
  SelectApplication(policy);
  policy.Types({egress ? "Egress" : "Ingress"});
  Peers peers;
  const int count = random_.Between(1, 4);
  for (int i = 0; i < count; ++i) {
    const int site = random_.Between(0, 15);
    const int part = random_.Between(0, 250);
    const std::string v4 = absl::StrCat("172.", 16 + site, ".");
    const std::string v6 = absl::StrCat("fd10:", 1 + site, ":");
    const bool whole = random_.Chance(50);
    if (whole) {
      AddBlock(peers, v4 + "0.0/16", v6 + ":/32",
               {absl::StrCat(v4, part, ".0/24")},
               {absl::StrCat(v6, 1 + part, "::/48")});
    } else {
      AddBlock(peers, absl::StrCat(v4, part, ".0/24"),
               absl::StrCat(v6, 1 + part, "::/48"));
    }
  }
  const Ports ports = {NumberPort("TCP", 443), NumberPort("TCP", 5432)};
  if (egress) policy.Egress(peers, ports);
  if (!egress) policy.Ingress(peers, ports);
}

void PolicyDraw::AllowPeer(PolicyBuilder& policy) {
  const WorkloadApplication& subject = SelectApplication(policy);
  const WorkloadSpace& its = plan_.spaces()[static_cast<size_t>(space_)];
  const int peer = std::min(1, its.applications - 1);
  policy.Types({"Ingress"});
  policy.Ingress({PodPeer(Labelled(plan_.application(space_, peer)))},
                 {NumberPort("TCP", plan_.PortOf(subject))});
}

void PolicyDraw::AllowDataAccess(PolicyBuilder& policy) {
  const WorkloadApplication& subject = SelectApplication(policy);
  policy.Types({"Ingress"});
  policy.Ingress({NamespacePeer(MatchLabels({{kAccessLabel, "granted"}}))},
                 {NumberPort("TCP", plan_.PortOf(subject))});
}

void PolicyDraw::AllowCluster(PolicyBuilder& policy) {
  if (!plan_.shape().whole_cluster_peer) return AllowSameNamespace(policy);
  SelectApplication(policy);
  policy.Types({"Ingress"});
  policy.Ingress({NamespacePeer(MatchLabels())}, {NumberPort("TCP", 443)});
}

}  // namespace

k8s::NetworkPolicy MakeWorkloadPolicy(const WorkloadPlan& plan, int number) {
  return PolicyDraw(plan, number).Make();
}

}  // namespace netpol
