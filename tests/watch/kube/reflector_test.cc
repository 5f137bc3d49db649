#include "netpol/watch/kube/reflector.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/watch/kube/fake_http_client.h"
#include "tests/watch/kube/wire_bodies.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kProtobuf[] = "application/vnd.kubernetes.protobuf";
constexpr char kProtobufWatch[] =
    "application/vnd.kubernetes.protobuf;stream=watch";

class FakeCredentials : public CredentialSource {
 public:
  absl::StatusOr<Credentials> Get(absl::Time) override {
    if (!error_.ok()) return error_;
    Credentials credentials;
    credentials.authorization = absl::StrCat("Bearer ", renewed_);
    return credentials;
  }
  void OnRefused(const Credentials&, absl::Time) override { ++renewed_; }
  void OnUnverified(absl::Time) override { ++unverified_; }
  int fd() const override { return -1; }

  absl::Status error_;
  int renewed_ = 0;
  int unverified_ = 0;
};

// An object as it stands in a list or in a watch, of this resource version.
v1::WatchEvent PodAt(absl::string_view name, int version) {
  k8s::Pod pod = PodBuilder("red", name).On("node-a").Ip("10.42.0.5").Build();
  pod.mutable_metadata()->set_resource_version(absl::StrCat(version));
  return Upsert(pod);
}

std::string Frame(absl::string_view type, absl::string_view name, int version) {
  return ProtobufFrame(type, ObjectInEnvelope(PodAt(name, version)));
}

std::string Bookmark(int version, bool end_of_list = false) {
  k8s::Pod pod;
  pod.mutable_metadata()->set_resource_version(absl::StrCat(version));
  if (end_of_list) {
    (*pod.mutable_metadata()
          ->mutable_annotations())["k8s.io/initial-events-end"] = "true";
  }
  return ProtobufFrame("BOOKMARK",
                       InEnvelope("v1", "Pod", pod.SerializeAsString()));
}

std::string StatusBody(int code, absl::string_view reason,
                       absl::string_view message = "no",
                       absl::string_view cause = "") {
  k8s::Status status;
  status.set_code(code);
  status.set_reason(std::string(reason));
  status.set_message(std::string(message));
  if (!cause.empty())
    status.mutable_details()->add_causes()->set_reason(std::string(cause));
  return InEnvelope("v1", "Status", status.SerializeAsString());
}

std::string ListOf(const std::vector<std::string>& names, int version,
                   absl::string_view continue_token = "") {
  std::vector<std::string> items;
  items.reserve(names.size());
  for (const std::string& name : names)
    items.push_back(ObjectBytes(PodAt(name, 1)));
  return InEnvelope("v1", "PodList",
                    ListBytes(items, absl::StrCat(version), continue_token));
}

class ReflectorTest : public testing::Test {
 protected:
  void Make(bool stream_lists) {
    ReflectorOptions options;
    options.kind = v1::WatchEvent::POD;
    options.plural = "pods";
    options.server = "https://192.0.2.1:6443";
    options.url = "https://192.0.2.1:6443/api/v1/pods";
    options.field_selector = "status.phase!=Failed";
    options.origin = "kubeconfig a.yaml";
    options.stream_lists = stream_lists;
    options.clock = [this] { return now_; };
    ReflectorCallbacks callbacks;
    callbacks.event = [this](const v1::WatchEvent& event) {
      told_.push_back(TextOf(event));
    };
    callbacks.notice = [this](const SourceProblem& problem) {
      notices_.push_back(problem.ToString());
    };
    reflector_ = std::make_unique<Reflector>(options, &client_, &credentials_,
                                             callbacks);
    reflector_->Tick();
  }

  static std::string TextOf(const v1::WatchEvent& event) {
    switch (event.type()) {
      case v1::WatchEvent::UPSERT:
        return absl::StrCat("+", event.pod().metadata().name());
      case v1::WatchEvent::DELETE:
        return absl::StrCat("-", event.pod().metadata().name());
      case v1::WatchEvent::LISTING:
        return "[";
      default:
        return event.incomplete() ? "]?" : "]";
    }
  }

  // What was told since the last call.
  std::vector<std::string> Told() { return std::exchange(told_, {}); }

  void Pass(absl::Duration duration) {
    now_ += duration;
    reflector_->Tick();
  }
  // Until the next request, at most so long. How long it took.
  absl::Duration PassUntilAsked(absl::Duration most = absl::Minutes(2)) {
    const absl::Time begin = now_;
    while (!client_.asked() && now_ - begin < most)
      Pass(absl::Milliseconds(50));
    EXPECT_TRUE(client_.asked());
    return now_ - begin;
  }

  // A watch that runs, at version 7.
  void Follow() {
    Make(/*stream_lists=*/false);
    client_.Head(200, kProtobuf);
    client_.Body(ListOf({"a"}, 7));
    client_.Done();
    reflector_->Tick();
    client_.Head(200, kProtobufWatch);
    Told();
  }

  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  FakeHttpClient client_;
  FakeCredentials credentials_;
  std::vector<std::string> told_;
  std::vector<std::string> notices_;
  std::unique_ptr<Reflector> reflector_;
};

// ---- Lists.

TEST_F(ReflectorTest, AsksForAStreamedListFirst) {
  Make(/*stream_lists=*/true);
  EXPECT_THAT(
      client_.last().url,
      AllOf(HasSubstr("watch=1"), HasSubstr("sendInitialEvents=true"),
            HasSubstr("resourceVersionMatch=NotOlderThan"),
            HasSubstr("allowWatchBookmarks=1"), HasSubstr("timeoutSeconds="),
            Not(HasSubstr("&resourceVersion=")),
            HasSubstr("&fieldSelector=status.phase%21%3DFailed")));
  EXPECT_THAT(client_.last().accept, HasSubstr(kProtobuf));
}

TEST_F(ReflectorTest, AStreamedListEndsWithItsBookmarkAndGoesOnAsAWatch) {
  Make(/*stream_lists=*/true);
  client_.Head(200, kProtobufWatch);
  client_.Body(Frame("ADDED", "b", 9) + Frame("ADDED", "a", 3));
  EXPECT_THAT(Told(), ElementsAre("[", "+b", "+a"));
  EXPECT_FALSE(reflector_->state().listed);
  client_.Body(Bookmark(12, /*end_of_list=*/true));
  EXPECT_THAT(Told(), ElementsAre("]"));
  EXPECT_TRUE(reflector_->state().listed);
  EXPECT_EQ(reflector_->state().phase, FollowedKind::Phase::kFollowing);
  client_.Body(Frame("MODIFIED", "a", 13) + Frame("DELETED", "b", 14));
  EXPECT_THAT(Told(), ElementsAre("+a", "-b"));
  client_.Done();
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, EndsWith("&resourceVersion=14"
                                           "&fieldSelector=status.phase%21%3D"
                                           "Failed"));
}

TEST_F(ReflectorTest, VersionsOfTheInitialEventsAreNotTakenForTheListsOwn) {
  Make(/*stream_lists=*/true);
  client_.Head(200, kProtobufWatch);
  client_.Body(Frame("ADDED", "a", 99) + Bookmark(12, true));
  client_.Done();
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=12&"));
}

TEST_F(ReflectorTest,
       AStreamThatEndsBeforeItsBookmarkListsNothingAndBeginsAnew) {
  Make(/*stream_lists=*/true);
  client_.Head(200, kProtobufWatch);
  client_.Body(Frame("ADDED", "a", 9));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("[", "+a"));
  EXPECT_FALSE(reflector_->state().listed);
  EXPECT_THAT(reflector_->state().error, HasSubstr("in the middle"));
  PassUntilAsked();
  EXPECT_THAT(client_.last().url, HasSubstr("sendInitialEvents=true"));
  client_.Head(200, kProtobufWatch);
  client_.Body(Bookmark(12, true));
  EXPECT_THAT(Told(), ElementsAre("[", "]"));
}

TEST_F(ReflectorTest, AServerThatDoesNotStreamListsIsAskedForPages) {
  Make(/*stream_lists=*/true);
  client_.Head(422, kProtobuf);
  client_.Body(StatusBody(422, "Invalid"));
  client_.Done();
  reflector_->Tick();
  EXPECT_EQ(reflector_->state().errors, 0u);
  EXPECT_THAT(client_.last().url,
              AllOf(HasSubstr("?limit=500&resourceVersion=0&"),
                    Not(HasSubstr("watch=1"))));
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"a", "b"}, 7, "next/page"));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("[", "+a", "+b"));
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, AllOf(HasSubstr("&continue=next%2Fpage"),
                                        Not(HasSubstr("resourceVersion"))));
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"c"}, 8));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("+c", "]"));
  reflector_->Tick();
  EXPECT_THAT(client_.last().url,
              AllOf(HasSubstr("watch=1"), HasSubstr("&resourceVersion=8&"),
                    Not(HasSubstr("sendInitialEvents"))));
}

TEST_F(ReflectorTest, AnOldServerThatTakesTheQuestionForAWatchIsFoundOut) {
  Make(/*stream_lists=*/true);
  client_.Head(200, kProtobufWatch);
  client_.Body(Frame("ADDED", "a", 9));
  Pass(absl::Seconds(9));
  EXPECT_EQ(client_.count(), 1);
  client_.Body(Frame("ADDED", "b", 10));
  Pass(absl::Seconds(9));
  EXPECT_EQ(client_.count(), 1) << "it is still telling";
  Pass(absl::Seconds(2));
  EXPECT_EQ(client_.cancelled(), 1);
  EXPECT_EQ(client_.count(), 2);
  EXPECT_THAT(client_.last().url, HasSubstr("?limit=500"));
}

TEST_F(ReflectorTest, APageThatTheNetworkLostIsAskedForAgain) {
  Make(/*stream_lists=*/false);
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"a"}, 7, "two"));
  client_.Done();
  reflector_->Tick();
  client_.Done(absl::UnavailableError("192.0.2.1:6443: connection reset"));
  EXPECT_THAT(reflector_->state().error, AllOf(HasSubstr("connection reset"),
                                               HasSubstr("kubeconfig a.yaml")));
  PassUntilAsked();
  EXPECT_THAT(client_.last().url, HasSubstr("&continue=two"));
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"b"}, 7));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("[", "+a", "+b", "]"));
}

TEST_F(ReflectorTest, PagesThatExpireAreReplacedByOneListOfAll) {
  Make(/*stream_lists=*/false);
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"a"}, 7, "two"));
  client_.Done();
  reflector_->Tick();
  client_.Head(410, kProtobuf);
  client_.Body(StatusBody(410, "Expired"));
  client_.Done();
  reflector_->Tick();
  EXPECT_THAT(client_.last().url,
              AllOf(Not(HasSubstr("continue")), Not(HasSubstr("limit"))));
  client_.Head(200, kProtobuf);
  client_.Body(ListOf({"b"}, 7));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("[", "+a", "[", "+b", "]"));
}

TEST_F(ReflectorTest, AnObjectThatCannotBeReadMakesTheListIncomplete) {
  Make(/*stream_lists=*/false);
  client_.Head(200, kProtobuf);
  client_.Body(
      InEnvelope("v1", "PodList",
                 ListBytes({ObjectBytes(PodAt("a", 1)), "\xff\xff"}, "7")));
  client_.Done();
  EXPECT_THAT(Told(), ElementsAre("[", "+a", "]?"));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("one of the pods")));
}

TEST_F(ReflectorTest, AFieldSelectorThatTheServerDoesNotKnowIsLeftOut) {
  Make(/*stream_lists=*/false);
  client_.Head(400, kProtobuf);
  client_.Body(StatusBody(400, "BadRequest", "field label not supported"));
  client_.Done();
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, Not(HasSubstr("fieldSelector")));
  EXPECT_EQ(reflector_->state().errors, 0u);
}

// ---- Watches.

TEST_F(ReflectorTest, AWatchThatEndsInGoodOrderIsOpenedAgainAtOnce) {
  Follow();
  client_.Body(Frame("ADDED", "b", 8) + Bookmark(11));
  EXPECT_THAT(Told(), ElementsAre("+b"));
  now_ += absl::Minutes(5);
  client_.Done();
  reflector_->Tick();
  EXPECT_TRUE(client_.asked());
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=11&"));
  EXPECT_EQ(reflector_->state().errors, 0u);
  EXPECT_THAT(Told(), IsEmpty()) << "nothing is listed anew";
}

TEST_F(ReflectorTest, ASilentWatchIsOpenedAgainAtOnce) {
  Follow();
  now_ += absl::Minutes(3);
  client_.Done(absl::DeadlineExceededError("nothing came for 3 minutes"));
  reflector_->Tick();
  EXPECT_TRUE(client_.asked());
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=7&"));
}

TEST_F(ReflectorTest, AWatchThatEndsAtOnceIsNotOpenedWithoutEnd) {
  Follow();
  client_.Done();
  reflector_->Tick();
  EXPECT_FALSE(client_.asked());
  EXPECT_THAT(reflector_->state().error, HasSubstr("at once"));
  EXPECT_GE(PassUntilAsked(), absl::Milliseconds(400));
}

TEST_F(ReflectorTest, AWatchThatIsCutIsOpenedAgainWhereItWas) {
  Follow();
  const std::string frame = Frame("ADDED", "c", 9);
  client_.Body(Frame("ADDED", "b", 8) + frame.substr(0, frame.size() / 2));
  client_.Done(absl::UnavailableError("connection reset"));
  EXPECT_THAT(Told(), ElementsAre("+b"));
  EXPECT_THAT(reflector_->state().error, HasSubstr("connection reset"));
  EXPECT_LT(reflector_->state().failing_since, absl::InfiniteFuture());
  PassUntilAsked();
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=8&"));
  client_.Head(200, kProtobufWatch);
  EXPECT_EQ(reflector_->state().failing_since, absl::InfiniteFuture());
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("answers again for pods")));
}

TEST_F(ReflectorTest, AWatchThatEndsInTheMiddleOfAFrameIsAFailure) {
  Follow();
  const std::string frame = Frame("ADDED", "c", 9);
  client_.Body(frame.substr(0, frame.size() - 1));
  client_.Done();
  EXPECT_EQ(reflector_->state().errors, 1u);
  PassUntilAsked();
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=7&"));
}

TEST_F(ReflectorTest, WhatTheServerForgotIsListedAnewAndNothingIsDeleted) {
  for (const bool in_stream : {false, true}) {
    SCOPED_TRACE(in_stream);
    Follow();
    now_ += absl::Minutes(1);
    if (in_stream) {
      client_.Body(ProtobufFrame("ERROR", StatusBody(410, "Expired")));
    } else {
      client_.Done();
      reflector_->Tick();
      client_.Head(410, kProtobuf);
      client_.Body(StatusBody(410, "Expired"));
      client_.Done();
    }
    reflector_->Tick();
    EXPECT_THAT(client_.last().url,
                AllOf(Not(HasSubstr("watch=1")),
                      HasSubstr("resourceVersionMatch=NotOlderThan"),
                      HasSubstr("&resourceVersion=7&")));
    EXPECT_THAT(Told(), IsEmpty());
    client_.Head(200, kProtobuf);
    client_.Body(ListOf({"b"}, 70));
    client_.Done();
    EXPECT_THAT(Told(), ElementsAre("[", "+b", "]"));
  }
}

TEST_F(ReflectorTest, AListThatIsTooOldOrOfTheFutureIsAskedForAsItIsNow) {
  for (const bool future : {false, true}) {
    SCOPED_TRACE(future);
    Follow();
    now_ += absl::Minutes(1);
    client_.Body(ProtobufFrame("ERROR", StatusBody(410, "Expired")));
    reflector_->Tick();
    client_.Head(future ? 504 : 410, kProtobuf);
    client_.Body(future ? StatusBody(504, "Timeout", "too large",
                                     "ResourceVersionTooLarge")
                        : StatusBody(410, "Expired"));
    client_.Done();
    reflector_->Tick();
    EXPECT_THAT(client_.last().url, AllOf(HasSubstr("?limit=500&"),
                                          Not(HasSubstr("resourceVersion"))));
  }
}

TEST_F(ReflectorTest, AServerThatForgetsAtOnceIsNotAskedWithoutEnd) {
  Follow();
  client_.Body(ProtobufFrame("ERROR", StatusBody(410, "Expired")));
  reflector_->Tick();
  EXPECT_FALSE(client_.asked());
  EXPECT_GE(PassUntilAsked(), absl::Milliseconds(400));
}

TEST_F(ReflectorTest, AWatchThatBreaksAtOnePlaceEndsInANewList) {
  Follow();
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(client_.last().url, HasSubstr("watch=1"));
    client_.Body(WithLength("\xff\xff\xff garbage"));
    ASSERT_FALSE(client_.asked());
    PassUntilAsked();
    if (i < 2) client_.Head(200, kProtobufWatch);
  }
  EXPECT_THAT(client_.last().url, Not(HasSubstr("watch=1")));
}

TEST_F(ReflectorTest, AWatchOfTheFutureEndsInANewList) {
  Follow();
  now_ += absl::Minutes(5);
  client_.Done();
  reflector_->Tick();
  client_.Head(504, kProtobuf);
  client_.Body(
      StatusBody(504, "Timeout", "too large", "ResourceVersionTooLarge"));
  client_.Done();
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, AllOf(Not(HasSubstr("watch=1")),
                                        Not(HasSubstr("resourceVersion"))));
}

TEST_F(ReflectorTest, ReconnectOpensTheWatchAgainWhereItWas) {
  Follow();
  client_.Body(Frame("ADDED", "b", 8));
  reflector_->Reconnect();
  EXPECT_EQ(client_.cancelled(), 1);
  reflector_->Tick();
  EXPECT_THAT(client_.last().url, HasSubstr("&resourceVersion=8&"));
}

TEST_F(ReflectorTest, TheEndCancelsWhatRuns) {
  Follow();
  reflector_.reset();
  EXPECT_EQ(client_.cancelled(), 1);
}

// ---- Failures.

TEST_F(ReflectorTest, ABusyServerIsLeftAloneForAsLongAsItAsks) {
  Make(/*stream_lists=*/true);
  client_.Head(429, "text/plain", absl::Seconds(17));
  client_.Body("Too many requests, please try again later.\n");
  client_.Done();
  EXPECT_THAT(reflector_->state().error,
              AllOf(HasSubstr("429"), HasSubstr("Too many requests")));
  Pass(absl::Milliseconds(16900));
  EXPECT_FALSE(client_.asked());
  Pass(absl::Milliseconds(200));
  EXPECT_TRUE(client_.asked());
  EXPECT_THAT(client_.last().url, HasSubstr("sendInitialEvents"));
}

TEST_F(ReflectorTest, DelaysGrowAndHaveAnEnd) {
  Make(/*stream_lists=*/false);
  absl::Duration last;
  for (int i = 0; i < 12; ++i) {
    client_.Done(absl::UnavailableError("refused"));
    last = PassUntilAsked();
    EXPECT_LE(last, absl::Seconds(31));
  }
  EXPECT_GE(last, absl::Seconds(15));
}

TEST_F(ReflectorTest, CredentialsThatAreRefusedAreRenewedBeforeAnyoneIsTold) {
  Make(/*stream_lists=*/false);
  EXPECT_EQ(client_.last_authorization(), "Bearer 0");
  client_.Head(401, kProtobuf);
  client_.Body(StatusBody(401, "Unauthorized", "Unauthorized"));
  client_.Done();
  EXPECT_EQ(reflector_->state().errors, 0u);
  reflector_->Tick();
  EXPECT_EQ(client_.last_authorization(), "Bearer 1");
  client_.Head(401, kProtobuf);
  client_.Body(StatusBody(401, "Unauthorized", "Unauthorized"));
  client_.Done();
  EXPECT_THAT(reflector_->state().error,
              AllOf(HasSubstr("401"), HasSubstr("renew"),
                    HasSubstr("kubeconfig a.yaml")));
  reflector_->Tick();
  EXPECT_FALSE(client_.asked());
}

TEST_F(ReflectorTest, CredentialsThatAreBeingMadeAreAwaited) {
  credentials_.error_ = absl::UnavailableError("the plugin runs");
  Make(/*stream_lists=*/false);
  Pass(absl::Minutes(1));
  EXPECT_EQ(client_.count(), 0);
  EXPECT_EQ(reflector_->state().errors, 0u);
  credentials_.error_ = absl::OkStatus();
  reflector_->OnCredentials();
  reflector_->Tick();
  EXPECT_EQ(client_.count(), 1);
}

TEST_F(ReflectorTest, CredentialsThatCannotBeHadAreAFailure) {
  credentials_.error_ = absl::NotFoundError("token file /t is not there");
  Make(/*stream_lists=*/false);
  EXPECT_THAT(reflector_->state().error, HasSubstr("token file /t"));
  credentials_.error_ = absl::OkStatus();
  PassUntilAsked();
}

TEST_F(ReflectorTest, ACertificateThatDoesNotVerifyAsksForTheAuthorityAnew) {
  Make(/*stream_lists=*/false);
  client_.Done(absl::UnauthenticatedError("unknown authority"));
  EXPECT_EQ(credentials_.unverified_, 1);
  EXPECT_THAT(reflector_->state().error,
              AllOf(HasSubstr("unknown authority"),
                    HasSubstr("certificate-authority")));
}

TEST_F(ReflectorTest, EveryRefusalSaysWhatToChange) {
  struct Case {
    int status;
    const char* type;
    std::string body;
    const char* said;
    const char* remedy;
  };
  const std::vector<Case> cases = {
      {403, kProtobuf, StatusBody(403, "Forbidden", "User \"joe\" cannot list"),
       "User \"joe\" cannot list", "ClusterRole with the verbs list and watch"},
      {404, kProtobuf, StatusBody(404, "NotFound", "not found"), "404",
       "is https://192.0.2.1:6443 the address of a Kubernetes API server"},
      {500, "application/json",
       R"({"kind":"Status","apiVersion":"v1","message":"etcd is down"})",
       "etcd is down", "asked again"},
      {200, "text/html", "<html>Welcome</html>", "text/html",
       "check the address in kubeconfig a.yaml"},
      {503, "text/html", "<html>\nno backend</html>", "no backend", "503"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.status);
    Make(/*stream_lists=*/false);
    client_.Head(one.status, one.type);
    client_.Body(one.body);
    client_.Done();
    EXPECT_THAT(reflector_->state().error,
                AllOf(HasSubstr(one.said), HasSubstr(one.remedy)));
    EXPECT_THAT(reflector_->state().error, Not(HasSubstr("\n")));
    EXPECT_THAT(Told(), IsEmpty());
  }
}

TEST_F(ReflectorTest, ACompressedAnswerThatNobodyAskedForIsRefused) {
  Make(/*stream_lists=*/true);
  HttpHead head;
  head.status = 200;
  head.content_type = kProtobufWatch;
  head.content_encoding = "gzip";
  client_.Head(head);
  client_.Body("\x1f\x8b");
  client_.Done();
  EXPECT_THAT(reflector_->state().error, HasSubstr("gzip"));
}

TEST_F(ReflectorTest, EachWarningOfTheServerIsToldOnce) {
  Make(/*stream_lists=*/false);
  HttpHead head;
  head.status = 200;
  head.content_type = kProtobuf;
  head.warnings = {"this is deprecated"};
  client_.Head(head);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("this is deprecated")));
  client_.Body(ListOf({}, 7));
  client_.Done();
  reflector_->Tick();
  head.content_type = kProtobufWatch;
  head.warnings.push_back("and so is that");
  client_.Head(head);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("this is deprecated"),
                                    HasSubstr("and so is that")));
}

}  // namespace
}  // namespace netpol
