// What a host may do wrong. Needs no kernel and no rights.
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/capi/netpol.h"
#include "nlohmann/json.hpp"
#include "tests/embed/c_host.h"
#include "tests/embed/kube_bytes.h"

namespace netpol {
namespace {

using testing::HasSubstr;

std::string ThreadsError() { return TakeText(netpol_last_error(nullptr)); }

// What netpol_create() says of options that `change` spoils.
std::string Refusal(const std::function<void(netpol_options&)>& change) {
  netpol_options options = NETPOL_OPTIONS_INIT;
  options.node_name = "node-a";
  change(options);
  netpol_handle* handle = reinterpret_cast<netpol_handle*>(1);
  EXPECT_EQ(netpol_create(&options, &handle), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(handle, nullptr);
  return ThreadsError();
}

TEST(CApiOptionsTest, EachOptionThatCannotWorkIsNamed) {
  const auto refusal = Refusal;
  EXPECT_THAT(refusal([](auto& o) { o.node_name = nullptr; }),
              HasSubstr("node"));
  EXPECT_THAT(refusal([](auto& o) { o.families = 4; }), HasSubstr("families"));
  EXPECT_THAT(refusal([](auto& o) { o.cluster_ip_ranges = "10.0.0.0"; }),
              HasSubstr("cluster_ip_ranges \"10.0.0.0\""));
  EXPECT_THAT(refusal([](auto& o) {
                o.cluster_ip_ranges = "10.0.0.0/8,10.1.0.0/16,10.2.0.0/16";
              }),
              HasSubstr("too many CIDRs"));
  EXPECT_THAT(refusal([](auto& o) { o.external_ip_ranges = "fd00::/64"; }),
              HasSubstr("IPv6 is disabled"));
  EXPECT_THAT(refusal([](auto& o) { o.load_balancer_ip_ranges = "x"; }),
              HasSubstr("load_balancer_ip_ranges"));
  EXPECT_THAT(refusal([](auto& o) { o.node_port_range = "9-1"; }),
              HasSubstr("node_port_range \"9-1\""));
  EXPECT_THAT(refusal([](auto& o) { o.icmp = 7; }), HasSubstr("icmp"));
  EXPECT_THAT(refusal([](auto& o) { o.pass_mark = 0x30000; }),
              HasSubstr("mark"));
  EXPECT_THAT(refusal([](auto& o) { o.sync_period_ms = -1; }),
              HasSubstr("sync_period_ms"));
  EXPECT_THAT(refusal([](auto& o) { o.waiting_limit_ms = -1; }),
              HasSubstr("waiting_limit_ms"));
  EXPECT_THAT(refusal([](auto& o) { o.lock_timeout_ms = -1; }),
              HasSubstr("lock_timeout_ms"));
  EXPECT_THAT(refusal([](auto& o) { o.source = 2; }), HasSubstr("source"));
  EXPECT_THAT(refusal([](auto& o) { o.kubeconfig = "x"; }),
              HasSubstr("NETPOL_SOURCE_KUBERNETES"));
}

TEST(CApiOptionsTest, WhatK3sSetsIsTaken) {
  CHost host([](netpol_options& o) {
    o.cluster_ip_ranges = "10.43.0.0/16,fd00:43::/112";
    o.node_port_range = "30000:32767";
    o.default_deny = 1;
    o.require_node = 1;
    o.external_ip_ranges = "";
  });
  EXPECT_NE(host.handle(), nullptr) << ThreadsError();
}

TEST(CApiOptionsTest, SizesOfOtherVersionsAreToldApart) {
  EXPECT_THAT(Refusal([](auto& o) { o.size = 0; }), HasSubstr("size"));
  EXPECT_THAT(Refusal([](auto& o) { o.size = 8; }), HasSubstr("size"));
  EXPECT_THAT(Refusal([](auto& o) { o.size = size_t{1} << 40; }),
              HasSubstr("size"));
  // A newer header, with an option behind those that we know.
  struct Newer {
    netpol_options known;
    int64_t unknown;
  };
  Newer newer;
  std::memset(&newer, 0, sizeof(newer));
  newer.known.size = sizeof(newer);
  newer.known.node_name = "node-a";
  netpol_handle* handle = nullptr;
  EXPECT_EQ(netpol_create(&newer.known, &handle), NETPOL_OK);
  EXPECT_EQ(netpol_destroy(handle), NETPOL_OK);
  newer.unknown = 1;
  EXPECT_EQ(netpol_create(&newer.known, &handle), NETPOL_INVALID_ARGUMENT);
  EXPECT_THAT(ThreadsError(), HasSubstr("newer"));
}

TEST(CApiArgumentsTest, AnOlderHeaderLeavesWhatItLacksAtItsDefault) {
  netpol_options options = NETPOL_OPTIONS_INIT;
  options.node_name = "node-a";
  // As it stood before there was this field, whatever lies behind.
  options.size = offsetof(netpol_options, disable_network_policy);
  options.disable_network_policy = 1;
  netpol_handle* handle = nullptr;
  ASSERT_EQ(netpol_create(&options, &handle), NETPOL_OK) << ThreadsError();
  EXPECT_EQ(netpol_destroy(handle), NETPOL_OK);
  options.size -= 1;
  EXPECT_EQ(netpol_create(&options, &handle), NETPOL_INVALID_ARGUMENT);
}

TEST(CApiArgumentsTest, NullIsAnErrorEverywhere) {
  CHost host;
  netpol_handle* const handle = host.handle();
  ASSERT_NE(handle, nullptr);
  netpol_options options = NETPOL_OPTIONS_INIT;
  char* text = nullptr;
  EXPECT_EQ(netpol_create(nullptr, nullptr), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_create(&options, nullptr), NETPOL_INVALID_ARGUMENT);
  netpol_handle* other = nullptr;
  EXPECT_EQ(netpol_create(nullptr, &other), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_start(nullptr), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_feed(nullptr, NETPOL_UPSERT, "x", 1),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_delete(nullptr, NETPOL_POD, "a", "b"),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_listed(nullptr, NETPOL_POD), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_listing(nullptr, NETPOL_POD), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_request_sync(nullptr), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_preview(nullptr, NETPOL_TEXT, &text),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_preview(handle, NETPOL_TEXT, nullptr),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_status(nullptr, &text), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_status(handle, nullptr), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_stop(nullptr, 0), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_check(0, nullptr), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_destroy(nullptr), NETPOL_OK);
  netpol_free(nullptr);
}

TEST(CApiArgumentsTest, WhatIsNoObjectIsRefused) {
  CHost host;
  const auto code = [&](const std::string& bytes) {
    return host.Feed(NETPOL_UPSERT, bytes);
  };
  const std::string pod = PodProtobuf("a", "b", "node-a", "10.0.0.1");
  std::string cut = pod;
  cut.resize(cut.size() - 3);
  std::string compressed = pod;
  compressed += "\x1a\x04gzip";  // contentEncoding
  for (const std::string& bytes :
       {std::string(), std::string("{"), std::string(1000, '\xff'),
        std::string("null"), pod.substr(4), cut, compressed,
        std::string(R"({"apiVersion":"v1","kind":"Secret",)"
                    R"("metadata":{"name":"s","namespace":"n"}})"),
        std::string(R"({"apiVersion":"v1","kind":"Pod","metadata":{}})")}) {
    EXPECT_EQ(code(bytes), NETPOL_INVALID_ARGUMENT) << bytes;
    EXPECT_NE(host.LastError(), "");
  }
  // Before the start, a sound one is refused for another reason.
  EXPECT_EQ(code(pod), NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(netpol_feed(host.handle(), NETPOL_UPSERT, nullptr, 3),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(host.Feed(0, pod), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(host.Feed(3, pod), NETPOL_INVALID_ARGUMENT);
}

TEST(CApiArgumentsTest, KindsAndFormsThatDoNotExistAreRefused) {
  CHost host;
  netpol_handle* const handle = host.handle();
  char* text = nullptr;
  for (const netpol_kind kind : {-1, 0, 5}) {
    EXPECT_EQ(netpol_listed(handle, kind), NETPOL_INVALID_ARGUMENT);
    EXPECT_EQ(netpol_listing(handle, kind), NETPOL_INVALID_ARGUMENT);
    EXPECT_EQ(netpol_delete(handle, kind, "a", "b"), NETPOL_INVALID_ARGUMENT);
  }
  EXPECT_EQ(netpol_preview(handle, 9, &text), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_delete(handle, NETPOL_POD, nullptr, "b"),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_delete(handle, NETPOL_POD, "a", nullptr),
            NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(netpol_check(8, &text), NETPOL_INVALID_ARGUMENT);
  EXPECT_EQ(text, nullptr);
  EXPECT_EQ(netpol_cleanup(-1), NETPOL_INVALID_ARGUMENT);
}

TEST(CApiArgumentsTest, BeforeTheStartThereIsAStatusAndNothingElse) {
  CHost host;
  netpol_handle* const handle = host.handle();
  char* text = nullptr;
  EXPECT_EQ(netpol_request_sync(handle), NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(netpol_listed(handle, NETPOL_POD), NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(netpol_preview(handle, NETPOL_TEXT, &text),
            NETPOL_FAILED_PRECONDITION);
  EXPECT_THAT(host.LastError(), HasSubstr("netpol_start"));
  const auto status = nlohmann::json::parse(host.Status());
  EXPECT_EQ(status["node"], "node-a");
  EXPECT_EQ(status.count("alive"), 0u);
  EXPECT_EQ(netpol_stop(handle, 0), NETPOL_OK);
}

TEST(CApiErrorsTest, AHandleKeepsItsOwnAndAThreadItsOwn) {
  CHost first;
  CHost second;
  EXPECT_EQ(first.LastError(), "");
  netpol_listed(first.handle(), 77);
  EXPECT_THAT(first.LastError(), HasSubstr("77"));
  EXPECT_EQ(second.LastError(), "");
  EXPECT_EQ(ThreadsError(), first.LastError());
  std::string others;
  std::thread([&] { others = ThreadsError(); }).join();
  EXPECT_EQ(others, "");
}

TEST(CApiVersionTest, IsThreeNumbers) {
  EXPECT_THAT(netpol_version(), testing::MatchesRegex("[0-9]+.[0-9]+.[0-9]+"));
}

}  // namespace
}  // namespace netpol
