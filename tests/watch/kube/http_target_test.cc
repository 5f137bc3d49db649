#include "netpol/watch/kube/http_target.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HttpTarget Parse(const std::string& url, const std::string& name = "") {
  absl::StatusOr<HttpTarget> target = ParseHttpTarget(url, name);
  EXPECT_TRUE(target.ok()) << target.status();
  return target.ok() ? *target : HttpTarget();
}

std::string Refusal(const std::string& url, const std::string& name = "") {
  const absl::Status status = ParseHttpTarget(url, name).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << url;
  return std::string(status.message());
}

TEST(HttpTargetTest, TellsWhereToConnect) {
  const HttpTarget target = Parse("https://api.example.com:6443/a/b?c=d%20e");
  EXPECT_TRUE(target.https);
  EXPECT_FALSE(target.loopback);
  EXPECT_EQ(target.host_port, "api.example.com:6443");
  EXPECT_EQ(target.url, "https://api.example.com:6443/a/b?c=d%20e");
  EXPECT_EQ(target.connect_to, "");
}

TEST(HttpTargetTest, KnowsThePortOfTheScheme) {
  EXPECT_EQ(Parse("https://192.0.2.1").host_port, "192.0.2.1:443");
  EXPECT_EQ(Parse("http://192.0.2.1/x").host_port, "192.0.2.1:80");
  EXPECT_FALSE(Parse("http://192.0.2.1/x").https);
}

TEST(HttpTargetTest, PutsTheServerNameIntoTheUrl) {
  const HttpTarget target = Parse("https://192.0.2.1:6443/a?b=%2Fc", "k8s.svc");
  EXPECT_EQ(target.host_port, "192.0.2.1:6443");
  EXPECT_EQ(target.url, "https://k8s.svc:6443/a?b=%2Fc");
  EXPECT_EQ(target.connect_to, "k8s.svc:6443:192.0.2.1:6443");
}

TEST(HttpTargetTest, BracketsIpv6) {
  const HttpTarget target = Parse("https://[2001:db8::1]:6443/", "2001:db8::2");
  EXPECT_EQ(target.host_port, "[2001:db8::1]:6443");
  EXPECT_EQ(target.url, "https://[2001:db8::2]:6443/");
  EXPECT_EQ(target.connect_to, "[2001:db8::2]:6443:[2001:db8::1]:6443");
}

TEST(HttpTargetTest, KnowsLoopbackAddresses) {
  EXPECT_TRUE(Parse("http://127.0.0.1:8080").loopback);
  EXPECT_TRUE(Parse("http://127.9.9.9").loopback);
  EXPECT_TRUE(Parse("http://localhost").loopback);
  EXPECT_TRUE(Parse("http://[::1]:1").loopback);
  EXPECT_FALSE(Parse("http://127.example.com").loopback);
  EXPECT_FALSE(Parse("http://128.0.0.1").loopback);
}

TEST(HttpTargetTest, RefusesWhatIsNoUrl) {
  Refusal("");
  Refusal("192.0.2.1:6443/path");
  Refusal("https://");
  Refusal("https://a b/");
  EXPECT_THAT(Refusal("ftp://192.0.2.1/x"), HasSubstr("ftp://"));
  Refusal("https://192.0.2.1", "no/name");
}

TEST(HttpTargetTest, RefusesPasswordsWithoutRepeatingThem) {
  const std::string message = Refusal("https://me:sesame@192.0.2.1:6443/");
  EXPECT_THAT(message, HasSubstr("192.0.2.1"));
  EXPECT_THAT(message, Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace netpol
