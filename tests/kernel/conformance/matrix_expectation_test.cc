#include "tests/kernel/conformance/matrix_expectation.h"

#include <string>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/testing/packet.h"
#include "tests/kernel/conformance/matrix_probe.h"

namespace netpol {
namespace {

MatrixEnd LocalPod(const std::string& name) {
  MatrixEnd end;
  end.name = name;
  end.is_pod = true;
  end.is_local = true;
  return end;
}

MatrixEnd RemotePod(const std::string& name) {
  MatrixEnd end = LocalPod(name);
  end.is_local = false;
  return end;
}

MatrixEnd Node() {
  MatrixEnd end;
  end.name = "node";
  end.is_local = true;
  return end;
}

Packet Tcp80() {
  return {*IpAddress::Parse("10.0.0.1"), *IpAddress::Parse("10.0.0.2"),
          IPPROTO_TCP, 80};
}

Packet Udp81OverIpv6() {
  return {*IpAddress::Parse("fd00::1"), *IpAddress::Parse("fd00::2"),
          IPPROTO_UDP, 81};
}

bool Arrives(const MatrixExpectations& lines, const std::string& from,
             const std::string& to) {
  return ArrivesBy(lines, LocalPod(from), LocalPod(to), Tcp80());
}

TEST(MatrixExpectationTest, WithoutLinesEverythingArrives) {
  EXPECT_TRUE(Arrives({}, "x/a", "y/b"));
}

TEST(MatrixExpectationTest, StarStandsForOneSideOfAName) {
  EXPECT_FALSE(Arrives({DenyIn("y/*")}, "x/a", "y/b"));
  EXPECT_TRUE(Arrives({DenyIn("y/*")}, "x/a", "z/b"));
  EXPECT_FALSE(Arrives({DenyIn("*/b")}, "x/a", "z/b"));
  EXPECT_TRUE(Arrives({DenyIn("*/b")}, "x/a", "z/a"));
  EXPECT_FALSE(Arrives({DenyIn("z/a y/b", "x/*")}, "x/a", "y/b"));
}

TEST(MatrixExpectationTest, TheLastLineDecidesForItsSide) {
  EXPECT_TRUE(Arrives({DenyIn("y/b"), AllowIn("y/b", "x/a")}, "x/a", "y/b"));
  EXPECT_FALSE(Arrives({AllowIn("y/b", "x/a"), DenyIn("y/b")}, "x/a", "y/b"));
}

TEST(MatrixExpectationTest, BothSidesMustLetThrough) {
  EXPECT_FALSE(Arrives({DenyOut("x/a"), AllowIn("y/b")}, "x/a", "y/b"));
  EXPECT_FALSE(Arrives({DenyIn("y/b"), AllowOut("x/a")}, "x/a", "y/b"));
  EXPECT_TRUE(Arrives({DenyOut("y/b"), DenyIn("x/a")}, "x/a", "y/b"));
}

TEST(MatrixExpectationTest, PodsOfOtherNodesAreNoSide) {
  const MatrixExpectations lines = {DenyOut("x/a"), DenyIn("y/b")};
  EXPECT_FALSE(ArrivesBy(lines, RemotePod("x/a"), LocalPod("y/b"), Tcp80()));
  EXPECT_TRUE(ArrivesBy(lines, RemotePod("x/a"), LocalPod("y/a"), Tcp80()));
  EXPECT_TRUE(ArrivesBy(lines, LocalPod("x/b"), RemotePod("y/b"), Tcp80()));
}

TEST(MatrixExpectationTest, TheNodeGetsInButIsNotFreeToReach) {
  EXPECT_TRUE(ArrivesBy({DenyIn("*/*")}, Node(), LocalPod("x/a"), Tcp80()));
  EXPECT_FALSE(ArrivesBy({DenyOut("*/*")}, LocalPod("x/a"), Node(), Tcp80()));
  EXPECT_TRUE(ArrivesBy({DenyOut("*/*"), AllowOut("x/a", "node")},
                        LocalPod("x/a"), Node(), Tcp80()));
}

TEST(MatrixExpectationTest, TrafficIsAnyOfEachKind) {
  const auto denied = [](const std::string& traffic, const Packet& packet) {
    return !ArrivesBy({DenyIn("y/b", "*", traffic)}, LocalPod("x/a"),
                      LocalPod("y/b"), packet);
  };
  EXPECT_TRUE(denied("TCP", Tcp80()));
  EXPECT_TRUE(denied("UDP TCP 80", Tcp80()));
  EXPECT_TRUE(denied("IPv4 80 81", Tcp80()));
  EXPECT_FALSE(denied("81 TCP", Tcp80()));
  EXPECT_FALSE(denied("IPv6", Tcp80()));
  EXPECT_FALSE(denied("UDP SCTP", Tcp80()));
  EXPECT_TRUE(denied("IPv6 UDP 81", Udp81OverIpv6()));
  EXPECT_FALSE(denied("IPv4 UDP 81", Udp81OverIpv6()));
}

}  // namespace
}  // namespace netpol
