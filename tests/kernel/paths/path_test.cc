#include "tests/kernel/paths/path_test.h"

#include <netinet/in.h>

#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

constexpr char kNode[] = "node-a";

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

}  // namespace

std::vector<PathKind> PathKinds(const std::vector<Wiring>& wirings) {
  std::vector<PathKind> kinds;
  for (Family family : kFamilies) {
    for (Wiring wiring : wirings) kinds.push_back({family, wiring});
  }
  return kinds;
}

std::ostream& operator<<(std::ostream& os, const PathKind& kind) {
  return os << FamilyName(kind.family)
            << (kind.wiring == Wiring::kRouted ? "Routed" : "Bridged");
}

std::string PathKindName(const testing::TestParamInfo<PathKind>& info) {
  std::ostringstream name;
  name << info.param;
  return name.str();
}

LabOptions PathTest::Options() const {
  LabOptions options;
  // Long: only what is silently dropped takes it, and little is here.
  options.prober.quiet = absl::Milliseconds(500);
  if (bridged()) options.bridge = "kube-bridge";
  return options;
}

void PathTest::SetUp() {
  LabFixture::SetUp();
  if (IsSkipped()) return;
  absl::StatusOr<std::unique_ptr<PacketLab>> lab = PacketLab::Create(Options());
  ASSERT_TRUE(lab.ok()) << lab.status();
  lab_ = *std::move(lab);
  cluster_.namespaces = {MakeNamespace("shop")};
  AddLocalPod("client", 10);
  AddLocalPod("web", 11);
  AddLocalPod("other", 12);
  cluster_.pods.push_back(PodObject("remote", 10, "node-b"));
}

void PathTest::TearDown() {
  servers_.clear();
  controller_.reset();
}

IpAddress PathTest::Pick(absl::string_view v4, absl::string_view v6) {
  return Ip(family() == Family::kIPv4 ? v4 : v6);
}

IpAddress PathTest::LocalPod(int n) {
  return Pick(absl::StrCat("10.42.0.", n), absl::StrCat("fd00:42::", n));
}

IpAddress PathTest::RemotePod(int n) {
  return Pick(absl::StrCat("10.42.1.", n), absl::StrCat("fd00:42:0:1::", n));
}

IpAddress PathTest::Outside(int n) {
  return Pick(absl::StrCat("198.51.100.", n), absl::StrCat("2001:db8::", n));
}

IpAddress PathTest::ServiceIp(int n) {
  return Pick(absl::StrCat("10.43.0.", n), absl::StrCat("fd00:43::", n));
}

k8s::Pod PathTest::PodObject(absl::string_view name, int number,
                             absl::string_view node) {
  const bool local = node == kNode;
  return PodBuilder("shop", name)
      .On(node)
      .Ip(absl::StrCat(local ? "10.42.0." : "10.42.1.", number))
      .Ip(absl::StrCat(local ? "fd00:42::" : "fd00:42:0:1::", number))
      .Label("app", name)
      .Phase("Running")
      .Build();
}

void PathTest::AddLocalPod(absl::string_view name, int number) {
  const absl::Status added =
      lab_->AddPod(name, {Ip(absl::StrCat("10.42.0.", number)),
                          Ip(absl::StrCat("fd00:42::", number))});
  ASSERT_TRUE(added.ok()) << added;
  cluster_.pods.push_back(PodObject(name, number, kNode));
}

PolicyBuilder PathTest::Policy(absl::string_view app,
                               const std::vector<std::string>& types) {
  std::string name = absl::StrCat("of-", app);
  for (const std::string& type : types) absl::StrAppend(&name, "-", type);
  return PolicyBuilder("shop", name)
      .Selects(LabelList{{"app", std::string(app)}})
      .Types(types);
}

k8s::NetworkPolicyPeer PathTest::App(absl::string_view app) {
  return PodPeer(MatchLabels({{"app", std::string(app)}}));
}

k8s::NetworkPolicyPeer PathTest::Only(const IpAddress& address) {
  return BlockPeer(IpPrefix::Host(address).ToString());
}

void PathTest::Enforce(std::vector<k8s::NetworkPolicy> policies,
                       LayoutOptions layout) {
  cluster_.policies = std::move(policies);
  const absl::Status ran = lab_->RunOnNode([&] {
    controller_.reset();
    auto dataplane = OpenLabKernel();
    ASSERT_TRUE(dataplane.ok()) << dataplane.status();
    ControllerOptions options;
    options.node_name = kNode;
    options.layout = std::move(layout);
    options.layout.families = {Family::kIPv4, Family::kIPv6};
    auto controller =
        Controller::Create(std::move(options), *std::move(dataplane));
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
    for (const v1::WatchEvent& event : ListingOf(cluster_)) {
      ASSERT_TRUE(controller_->OnEvent(event).ok());
    }
    const absl::StatusOr<SyncReport> report = controller_->Sync();
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_TRUE(report->problems.empty()) << report->problems.front();
  });
  ASSERT_TRUE(ran.ok()) << ran;
}

void PathTest::Tell(const v1::WatchEvent& event) {
  const absl::Status ran = lab_->RunOnNode([&] {
    ASSERT_TRUE(controller_->OnEvent(event).ok());
    const absl::StatusOr<SyncReport> report = controller_->Sync();
    ASSERT_TRUE(report.ok()) << report.status();
  });
  ASSERT_TRUE(ran.ok()) << ran;
}

void PathTest::ForgetConnections() {
  const absl::Status status = lab_->node().Run([] { return FlushConntrack(); });
  ASSERT_TRUE(status.ok()) << status;
}

ProbeOutcome PathTest::Probe(const IpAddress& from, const IpAddress& to,
                             uint8_t protocol, uint16_t port) {
  const absl::StatusOr<ProbeOutcome> outcome =
      lab_->ProbeOne({from, to, protocol, port});
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : ProbeOutcome::kDropped;
}

ProbeOutcome PathTest::Tcp(const IpAddress& from, const IpAddress& to,
                           uint16_t port) {
  return Probe(from, to, IPPROTO_TCP, port);
}

const NetNs& PathTest::At(const IpAddress& address) const {
  const NetNs* owner = lab_->OwnerOf(address);
  EXPECT_NE(owner, nullptr) << "nobody in the lab has " << address;
  return owner == nullptr ? lab_->node() : *owner;
}

LabServer* PathTest::ServeText(const IpAddress& at, uint16_t port,
                               uint8_t protocol, LabServer::Answer answer) {
  absl::StatusOr<std::unique_ptr<LabServer>> server =
      LabServer::Start(At(at), at, protocol, port, std::move(answer));
  if (!server.ok()) {
    ADD_FAILURE() << server.status();
    return nullptr;
  }
  servers_.push_back(*std::move(server));
  return servers_.back().get();
}

LabServer* PathTest::Serve(const IpAddress& at, absl::string_view name,
                           uint16_t port, uint8_t protocol) {
  return ServeText(at, port, protocol,
                   [name = std::string(name)](const IpAddress& client) {
                     return absl::StrCat(name, " sees ", client.ToString());
                   });
}

std::string PathTest::CallTo(const IpAddress& from, const IpAddress& to,
                             uint16_t port, uint8_t protocol) {
  CallSpec spec;
  spec.source = from;
  spec.destination = to;
  spec.port = port;
  spec.protocol = protocol;
  const absl::StatusOr<CallResult> result = Call(At(from), spec);
  if (!result.ok()) return std::string(result.status().message());
  switch (result->outcome) {
    case CallOutcome::kAnswered:
      return result->text;
    case CallOutcome::kRefused:
      return "refused";
    case CallOutcome::kSilent:
      break;
  }
  return "silent";
}

absl::StatusOr<TcpPair> PathTest::Open(const IpAddress& client,
                                       const IpAddress& server) {
  return TcpPair::Open(At(client), client, At(server), server, 80);
}

PacketTap PathTest::Tap(const IpAddress& at) const {
  absl::StatusOr<PacketTap> tap = PacketTap::Open(At(at));
  EXPECT_TRUE(tap.ok()) << tap.status();
  return *std::move(tap);
}

bool PathTest::Arrives(const IpAddress& from, const IpAddress& to,
                       const std::vector<uint8_t>& packet) {
  return SendAndHear(from, to, packet, absl::Seconds(3));
}

bool PathTest::StaysAway(const IpAddress& from, const IpAddress& to,
                         const std::vector<uint8_t>& packet) {
  return !SendAndHear(from, to, packet, absl::Milliseconds(80));
}

bool PathTest::SendAndHear(const IpAddress& from, const IpAddress& to,
                           const std::vector<uint8_t>& packet,
                           absl::Duration limit) {
  const absl::optional<IpPacket> sent = ReadIpHeader(family(), packet);
  PacketTap tap = Tap(to);
  const absl::Status status = SendRawPacket(At(from), packet).status();
  EXPECT_TRUE(status.ok()) << status;
  const absl::StatusOr<bool> heard = tap.Hears(
      [&](const IpPacket& packet) {
        return packet.source == sent->source &&
               packet.protocol == sent->protocol;
      },
      limit);
  EXPECT_TRUE(heard.ok()) << heard.status();
  return heard.ok() && *heard;
}

std::string PathTest::NodeTool(std::vector<std::string> argv) {
  if (absl::StartsWith(argv.front(), "iptables")) {
    argv.front() = LabTool(family(), argv.front());
  }
  const absl::StatusOr<ProgramResult> result =
      lab_->ExecOnNode({.argv = std::move(argv)});
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return "";
  EXPECT_EQ(result->exit_code, 0) << result->err;
  return result->out;
}

}  // namespace netpol
