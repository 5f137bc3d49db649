// Ports by name where pods differ in what they call them.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {
namespace {

struct NamedPort {
  std::string name;
  int number;
  std::string protocol;
};

// A pod of the matrix that names these ports and no other, each in a container
// of its own, so that a name may be there more than once.
k8s::Pod Serving(const std::string& ns, const std::string& name,
                 const std::vector<NamedPort>& ports) {
  k8s::Pod pod = MatrixPod(ns, name);
  pod.mutable_spec()->clear_containers();
  for (const NamedPort& port : ports) {
    k8s::ContainerPort* entry =
        pod.mutable_spec()->add_containers()->add_ports();
    entry->set_name(port.name);
    entry->set_container_port(port.number);
    entry->set_protocol(port.protocol);
  }
  return pod;
}

// In y, "web" is 80, 81 and nothing.
std::vector<v1::WatchEvent> WebOfY() {
  return {Upsert(Serving("y", "a", {{"web", 80, "TCP"}})),
          Upsert(Serving("y", "b", {{"web", 81, "TCP"}})),
          Upsert(Serving("y", "c", {}))};
}

std::vector<v1::WatchEvent> With(std::vector<v1::WatchEvent> events,
                                 const PolicyBuilder& policy) {
  events.push_back(Upsert(policy.Build()));
  return events;
}

PolicyBuilder In(const char* ns) {
  return PolicyBuilder(ns, "named").Types({"Ingress"});
}

PolicyBuilder Out(const char* ns) {
  return PolicyBuilder(ns, "named").Types({"Egress"});
}

std::vector<ConformanceCase> DifferingCases() {
  const auto web = NamePort("TCP", "web");
  return {
      {"IngressDiffersByPod",
       "each selected pod has its own number",
       {{With(WebOfY(), In("y").Ingress({}, {web})),
         {DenyIn("y/*"), AllowIn("y/a", "*", "TCP 80"),
          AllowIn("y/b", "*", "TCP 81")},
         80 + 80 + 96}}},
      {"EgressDiffersByPod",
       "each receiving pod has its own number",
       {{With(WebOfY(), Out("x").Selects({{"pod", "a"}}).Egress({}, {web})),
         {DenyOut("x/a"), AllowOut("x/a", "y/a", "TCP 80"),
          AllowOut("x/a", "y/b", "TCP 81")},
         96 - 4}}},
      {"EgressToSelectedPods",
       "the number of the selected pod alone counts",
       {{With(WebOfY(),
              Out("x")
                  .Selects({{"pod", "a"}})
                  .Egress({PodInNamespacePeer(MatchLabels({{"ns", "y"}}),
                                              MatchLabels({{"pod", "b"}}))},
                          {web})),
         {DenyOut("x/a"), AllowOut("x/a", "y/b", "TCP 81")},
         96 - 2}}},
      {"EgressToBlock",
       "a block's pods have names, other addresses have none",
       {{With(WebOfY(),
              Out("x")
                  .Selects({{"pod", "a"}})
                  .Egress({BlockPeer("0.0.0.0/0", {"10.42.0.34/32"})}, {web})),
         {DenyOut("x/a"), AllowOut("x/a", "y/a", "IPv4 TCP 80")},
         96 - 1}}},
      {"IngressFromOutside",
       "the name is looked up at the receiving pod",
       {{With(WebOfY(), In("y").Ingress({BlockPeer("192.0.2.0/24")}, {web})),
         {DenyIn("y/*"), AllowIn("y/a", "outside", "IPv4 TCP 80"),
          AllowIn("y/b", "outside", "IPv4 TCP 81")},
         3 * 96}}},
      {"NameAndNumber",
       "a name and a number in one rule",
       {{With(WebOfY(), In("y").Ingress({}, {web, NumberPort("UDP", 80)})),
         {DenyIn("y/*"), AllowIn("y/a", "*", "TCP 80"),
          AllowIn("y/b", "*", "TCP 81"), AllowIn("y/*", "*", "UDP 80")},
         64 + 64 + 80}}},
  };
}

std::vector<ConformanceCase> ProtocolCases() {
  const std::vector<v1::WatchEvent> dns = {
      Upsert(Serving("y", "a", {{"dns", 80, "TCP"}, {"dns", 81, "UDP"}})),
      Upsert(Serving("y", "b", {{"dns", 81, "SCTP"}})),
      Upsert(Serving("y", "c", {{"dns", 80, "TCP"}, {"dns", 81, "TCP"}}))};
  return {
      {"OneNameTwoProtocols",
       "a name of TCP and UDP, asked for as UDP",
       {{With(dns, In("y").Ingress({}, {NamePort("UDP", "dns")})),
         {DenyIn("y/*"), AllowIn("y/a", "*", "UDP 81")},
         3 * 96 - 16}}},
      {"OneNameAllProtocols",
       "the same asked for by all three",
       {{With(dns, In("y").Ingress(
                       {}, {NamePort("UDP", "dns"), NamePort("TCP", "dns"),
                            NamePort("SCTP", "dns")})),
         {DenyIn("y/*"), AllowIn("y/a", "*", "UDP 81"),
          AllowIn("y/a", "*", "TCP 80"), AllowIn("y/b", "*", "SCTP 81"),
          AllowIn("y/c", "*", "TCP")},
         3 * 96 - 32 - 16 - 32}}},
      {"EgressOneNameAllProtocols",
       "and on the way out",
       {{With(dns,
              Out("x").Egress({NamespacePeer({})},
                              {NamePort("UDP", "dns"), NamePort("TCP", "dns"),
                               NamePort("SCTP", "dns")})),
         {DenyOut("x/*"), AllowOut("x/*", "y/a", "UDP 81"),
          AllowOut("x/*", "y/a", "TCP 80"), AllowOut("x/*", "y/b", "SCTP 81"),
          AllowOut("x/*", "y/c", "TCP")},
         3 * 96 - 3 * (4 + 2 + 4)}}},
  };
}

k8s::Pod WithInitPort(bool sidecar) {
  k8s::Pod pod = Serving("y", "a", {});
  *pod.mutable_spec()->mutable_init_containers() =
      PodBuilder("y", "a")
          .InitPort(sidecar, "web", 80, "TCP")
          .Build()
          .spec()
          .init_containers();
  return pod;
}

std::vector<ConformanceCase> LifeCases() {
  const PolicyBuilder policy =
      In("y").Selects({{"pod", "a"}}).Ingress({}, {NamePort("TCP", "web")});
  const MatrixExpectations shut = {DenyIn("y/a")};
  const auto open = [](const char* traffic) {
    return MatrixExpectations{DenyIn("y/a"), AllowIn("y/a", "*", traffic)};
  };
  const PolicyBuilder out =
      Out("x")
          .Selects({{"pod", "b"}})
          .Egress({NamespacePeer(MatchLabels({{"ns", "y"}}))},
                  {NamePort("TCP", "web")});
  return {
      {"SidecarsServe",
       "an init container that stays has ports",
       {{With({Upsert(WithInitPort(true))}, policy), open("TCP 80"), 80}}},
      {"InitContainersDoNotServe",
       "an init container that ends has none",
       {{With({Upsert(WithInitPort(false))}, policy), shut, 96}}},
      {"NumberChanges",
       "the rule follows the pod",
       {{With({Upsert(Serving("y", "a", {{"web", 80, "TCP"}}))}, policy),
         open("TCP 80"), 80},
        {{Upsert(Serving("y", "a", {{"web", 81, "TCP"}}))}, open("TCP 81"), 80},
        {{Upsert(Serving("y", "a", {{"other", 81, "TCP"}}))}, shut, 96},
        {{Upsert(Serving("y", "a", {{"web", 80, "UDP"}}))}, shut, 96},
        {{Upsert(Serving("y", "a", {{"web", 80, "TCP"}}))},
         open("TCP 80"),
         80}}},
      {"NumberChangesForEgress",
       "the sender's rule follows the receiver",
       {{With(WebOfY(), out),
         {DenyOut("x/b"), AllowOut("x/b", "y/a", "TCP 80"),
          AllowOut("x/b", "y/b", "TCP 81")},
         96 - 4},
        {{Upsert(Serving("y", "a", {{"web", 81, "TCP"}})),
          Upsert(Serving("y", "b", {}))},
         {DenyOut("x/b"), AllowOut("x/b", "y/a", "TCP 81")},
         96 - 2},
        {{Delete(MatrixPod("y", "a"))}, {DenyOut("x/b")}, {}},
        {{Upsert(Serving("y", "d", {{"web", 80, "TCP"}}))},
         {DenyOut("x/b"), AllowOut("x/b", "y/d", "TCP 80")},
         96 - 2}}},
      {"NameInRuleChanges",
       "an update asks for another name",
       {{{Upsert(In("y").Ingress({}, {NamePort("", "serve-80-tcp")}).Build())},
         {DenyIn("y/*"), AllowIn("y/*", "*", "TCP 80")},
         3 * 80},
        {{Upsert(
             In("y").Ingress({}, {NamePort("UDP", "serve-81-udp")}).Build())},
         {DenyIn("y/*"), AllowIn("y/*", "*", "UDP 81")},
         3 * 80}}},
  };
}

class NamedPortsTest : public ConformanceSuite {};

TEST_P(NamedPortsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Differing, NamedPortsTest,
                         testing::ValuesIn(DifferingCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Protocol, NamedPortsTest,
                         testing::ValuesIn(ProtocolCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Life, NamedPortsTest, testing::ValuesIn(LifeCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
