// The whole source against a server that does what real ones rarely do.
#include "netpol/watch/kube/kube_source.h"

#include <poll.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/watch/kube/scripted_server.h"
#include "tests/watch/kube/test_certificates.h"
#include "tests/watch/kube/wire_bodies.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kProtobuf[] = "application/vnd.kubernetes.protobuf";
constexpr char kProtobufWatch[] =
    "application/vnd.kubernetes.protobuf;stream=watch";
constexpr char kPods[] = "/api/v1/pods";
constexpr char kPolicies[] = "/apis/networking.k8s.io/v1/networkpolicies";
constexpr absl::Duration kPatience = absl::Seconds(30);

v1::WatchEvent PodAt(absl::string_view name, int version) {
  k8s::Pod pod = PodBuilder("red", name).On("node-a").Ip("10.42.0.5").Build();
  pod.mutable_metadata()->set_resource_version(absl::StrCat(version));
  return Upsert(pod);
}

std::string Added(absl::string_view name, int version) {
  return ProtobufFrame("ADDED", ObjectInEnvelope(PodAt(name, version)));
}

std::string EmptyList(absl::string_view kind) {
  return InEnvelope(kind == "NetworkPolicyList" ? "networking.k8s.io/v1" : "v1",
                    kind, ListBytes({}, "5"));
}

std::string PodList(const std::vector<std::string>& names, int version) {
  std::vector<std::string> items;
  items.reserve(names.size());
  for (const std::string& name : names)
    items.push_back(ObjectBytes(PodAt(name, 1)));
  return InEnvelope("v1", "PodList", ListBytes(items, absl::StrCat(version)));
}

// A watch that says nothing, for as long as the test is there.
ScriptedAnswer Quiet() {
  return ScriptedAnswer::Chunked(200, kProtobufWatch).Silence();
}

bool IsWatch(const ScriptedRequest& request) {
  return absl::StrContains(request.target, "watch=1");
}

ScriptedServer::Matcher PodRequest(bool watch) {
  return [watch](const ScriptedRequest& request) {
    return absl::StartsWith(request.target, kPods) && IsWatch(request) == watch;
  };
}

class KubeSourceTest : public testing::Test {
 protected:
  KubeSourceTest() : server_(ServerOptions()) {
    // The other kinds have nothing, and stay so.
    const std::vector<std::pair<std::string, std::string>> others = {
        {"/api/v1/namespaces", "NamespaceList"},
        {"/api/v1/nodes", "NodeList"},
        {kPolicies, "NetworkPolicyList"}};
    for (const auto& [path, kind] : others) {
      server_.AnswerPath(
          path, ScriptedAnswer::Whole(200, kProtobuf, EmptyList(kind)));
      server_.AlwaysAnswerPath(path, Quiet());
    }
  }

  ScriptedServerOptions ServerOptions() {
    ScriptedServerOptions options;
    options.certificate = authority_.IssueServer();
    return options;
  }

  ApiServerConfig Config() {
    ApiServerConfig config;
    config.server = server_.Url();
    config.origin = "kubeconfig test.yaml";
    config.certificate_authority.text = authority_.certificate();
    config.token = "secret-token";
    config.no_proxy = true;
    return config;
  }

  void Start(ApiServerConfig config) {
    KubeSourceOptions options;
    options.server = std::move(config);
    options.node_name = "node-a";
    options.program = "netpol-test/1";
    options.stream_lists = false;
    auto source = KubeSource::Create(options);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }
  void Start() { Start(Config()); }

  void Poll(absl::Duration timeout) {
    const absl::Status status = source_->Poll(
        timeout,
        [this](const v1::WatchEvent& event) {
          if (event.has_pod())
            told_.push_back(
                absl::StrCat(event.type() == v1::WatchEvent::UPSERT ? "+" : "-",
                             event.pod().metadata().name()));
          if (event.type() == v1::WatchEvent::LISTED)
            listed_.insert(event.listed_kind());
        },
        [this](const SourceProblem& problem) {
          problems_.push_back(problem.ToString());
        });
    if (!status.ok()) errors_.push_back(std::string(status.message()));
  }

  template <typename Condition>
  bool PollUntil(Condition condition) {
    const absl::Time end = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > end) return false;
      Poll(absl::Milliseconds(200));
    }
    return true;
  }
  bool AwaitPods(size_t count) {
    return PollUntil([&] { return told_.size() >= count; });
  }
  FollowedKind Pods() {
    for (const FollowedKind& kind : source_->followed())
      if (kind.kind == v1::WatchEvent::POD) return kind;
    return {};
  }

  TestAuthority authority_{"ours"};
  ScriptedServer server_;
  std::unique_ptr<KubeSource> source_;
  std::vector<std::string> told_;
  std::set<int> listed_;
  std::vector<std::string> problems_;
  std::vector<std::string> errors_;
};

TEST_F(KubeSourceTest, ListsEveryKindAndFollowsIt) {
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({"a", "b"}, 7)));
  server_.Answer(PodRequest(true), ScriptedAnswer::Chunked(200, kProtobufWatch)
                                       .Chunk(Added("c", 8))
                                       .Silence());
  Start();
  ASSERT_TRUE(AwaitPods(3));
  ASSERT_TRUE(PollUntil([this] { return listed_.size() == 4; }));
  EXPECT_THAT(told_, ElementsAre("+a", "+b", "+c"));
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_THAT(source_->followed(), SizeIs(4));
  EXPECT_EQ(Pods().phase, FollowedKind::Phase::kFollowing);
  for (const ScriptedRequest& request : server_.requests()) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_THAT(request.headers.at("authorization"), "Bearer secret-token");
    EXPECT_THAT(request.headers.at("user-agent"),
                HasSubstr("netpol-test/1 (linux/"));
    EXPECT_THAT(request.headers.at("accept"), HasSubstr(kProtobuf));
    EXPECT_EQ(request.headers.count("accept-encoding"), 0u)
        << "gzip breaks watches";
    if (absl::StartsWith(request.target, "/api/v1/nodes")) {
      EXPECT_THAT(request.target,
                  HasSubstr("fieldSelector=metadata.name%3Dnode-a"));
    }
  }
}

TEST_F(KubeSourceTest, FramesMayBeCutAnywhereAndComeSlowly) {
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({}, 7)));
  server_.Answer(PodRequest(true),
                 ScriptedAnswer::Chunked(200, kProtobufWatch)
                     .ChunksOf(Added("a", 8) + Added("b", 9), 1)
                     .Silence());
  Start();
  ASSERT_TRUE(AwaitPods(2));
  EXPECT_THAT(told_, ElementsAre("+a", "+b"));
}

TEST_F(KubeSourceTest, AWatchThatIsCutInAFrameGoesOnWithoutANewList) {
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({}, 7)));
  const std::string half = Added("b", 9).substr(0, 20);
  server_.Answer(PodRequest(true), ScriptedAnswer::Chunked(200, kProtobufWatch)
                                       .Chunk(Added("a", 8) + half)
                                       .Reset());
  server_.Answer(PodRequest(true), ScriptedAnswer::Chunked(200, kProtobufWatch)
                                       .Chunk(Added("b", 9))
                                       .Silence());
  Start();
  ASSERT_TRUE(AwaitPods(2));
  EXPECT_THAT(told_, ElementsAre("+a", "+b"));
  EXPECT_THAT(server_.requests().back().target,
              HasSubstr("&resourceVersion=8&"));
  EXPECT_EQ(Pods().lists, 1u);
  EXPECT_THAT(errors_, Not(IsEmpty()));
  EXPECT_THAT(problems_, Contains(HasSubstr("answers again for pods")));
}

TEST_F(KubeSourceTest, AServerThatIsAwayIsToldInOneLineAndFoundAgain) {
  server_.Stop();
  Start();
  ASSERT_TRUE(PollUntil(
      [this] { return Pods().failing_since < absl::InfiniteFuture(); }));
  EXPECT_THAT(errors_.front(),
              AllOf(HasSubstr(absl::StrCat("127.0.0.1:", server_.port())),
                    HasSubstr("is it up"), HasSubstr("kubeconfig test.yaml"),
                    Not(HasSubstr("\n")), Not(HasSubstr("secret-token"))));
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({"a"}, 7)));
  server_.AlwaysAnswerPath(kPods, Quiet());
  server_.Restart();
  ASSERT_TRUE(PollUntil([this] { return listed_.size() == 4; }));
  EXPECT_THAT(told_, ElementsAre("+a"));
  EXPECT_EQ(Pods().failing_since, absl::InfiniteFuture());
}

TEST_F(KubeSourceTest, AnUnknownAuthoritySaysWhatToChange) {
  ApiServerConfig config = Config();
  config.certificate_authority.text = TestAuthority("a stranger").certificate();
  Start(config);
  ASSERT_TRUE(PollUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_.front(), AllOf(HasSubstr("certificate"),
                                     HasSubstr("kubeconfig test.yaml")));
  EXPECT_THAT(server_.requests(), IsEmpty()) << "no token goes to a stranger";
}

TEST_F(KubeSourceTest, GarbageInPlaceOfTlsIsAnErrorAndNothingElse) {
  for (int i = 0; i < 4; ++i) {
    server_.SabotageNextConnection(
        ScriptedAnswer().Send("\x00\xff garbage \r\n\r\n").Close());
  }
  Start();
  ASSERT_TRUE(PollUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(KubeSourceTest, CompressedWatchesAreRefusedWithAReason) {
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({}, 7)));
  ScriptedAnswer zipped;
  zipped
      .Head(200, {{"Content-Type", kProtobufWatch},
                  {"Content-Encoding", "gzip"},
                  {"Transfer-Encoding", "chunked"}})
      .GzipChunk(Added("a", 8))
      .GzipChunk(Added("b", 9))
      .EndChunks();
  server_.Answer(PodRequest(true), zipped);
  server_.AlwaysAnswerPath(kPods, Quiet());
  Start();
  ASSERT_TRUE(PollUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_.front(), HasSubstr("gzip"));
}

TEST_F(KubeSourceTest, NothingToDoMeansNothingToRead) {
  server_.Answer(PodRequest(false),
                 ScriptedAnswer::Whole(200, kProtobuf, PodList({}, 7)));
  server_.AlwaysAnswerPath(kPods, Quiet());
  Start();
  ASSERT_TRUE(PollUntil([this] {
    for (const FollowedKind& kind : source_->followed())
      if (kind.phase != FollowedKind::Phase::kFollowing) return false;
    return listed_.size() == 4;
  }));
  // Whatever is still in flight.
  int turns = 0;
  pollfd ready = {source_->fd(), POLLIN, 0};
  while (poll(&ready, 1, 500) == 1 && turns < 100) {
    Poll(absl::ZeroDuration());
    ++turns;
  }
  EXPECT_LT(turns, 100) << "the descriptor is never quiet";
}

TEST(KubeSourceOptionsTest, WhatCannotWorkIsRefused) {
  KubeSourceOptions options;
  options.node_name = "node-a";
  EXPECT_TRUE(absl::IsInvalidArgument(KubeSource::Create(options).status()));
  options.server.server = "https://127.0.0.1:1";
  options.node_name = "";
  EXPECT_TRUE(absl::IsInvalidArgument(KubeSource::Create(options).status()));
}

}  // namespace
}  // namespace netpol
