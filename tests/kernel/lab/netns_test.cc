#include "tests/kernel/lab/netns.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/kernel/lab/link_batch.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {
namespace {

constexpr int kCanary = 500;
constexpr MacAddress kMac = {2, 0, 0, 0, 1, 1};

std::set<std::string> LinkNames() {
  std::set<std::string> names;
  struct if_nameindex* all = if_nameindex();
  if (all == nullptr) return names;
  for (auto* link = all; link->if_index != 0; ++link) {
    names.insert(link->if_name);
  }
  if_freenameindex(all);
  return names;
}

ino_t CurrentNamespace() {
  struct stat file = {};
  EXPECT_EQ(stat("/proc/thread-self/ns/net", &file), 0);
  return file.st_ino;
}

class NetNsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!MayMakeNamespaces()) {
      GTEST_SKIP() << "needs root: cannot make network namespaces";
    }
  }

  static NetNs Make() {
    absl::StatusOr<NetNs> ns = NetNs::Create();
    EXPECT_TRUE(ns.ok()) << ns.status();
    return *std::move(ns);
  }

  static void Succeed(const absl::Status& status) {
    ASSERT_TRUE(status.ok()) << status;
  }
};

// Hears of links that come and go in one namespace.
class LinkEvents {
 public:
  explicit LinkEvents(const NetNs& ns) {
    EXPECT_TRUE(ns.Run([this] {
                    fd_ = FileDescriptor(socket(
                        AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
                    sockaddr_nl address = {};
                    address.nl_family = AF_NETLINK;
                    address.nl_groups = RTMGRP_LINK;
                    return bind(fd_.get(),
                                reinterpret_cast<sockaddr*>(&address),
                                sizeof(address)) == 0
                               ? absl::OkStatus()
                               : absl::InternalError("bind");
                  }).ok());
  }

  // Waits until the link `index` is deleted.
  bool AwaitDeletion(int index, absl::Duration limit) {
    const absl::Time deadline = absl::Now() + limit;
    while (absl::Now() < deadline) {
      pollfd watched = {fd_.get(), POLLIN, 0};
      poll(&watched, 1,
           static_cast<int>(absl::ToInt64Milliseconds(deadline - absl::Now())) +
               1);
      if (watched.revents != 0 && ReadsDeletionOf(index)) return true;
    }
    return false;
  }

 private:
  bool ReadsDeletionOf(int index) {
    alignas(nlmsghdr) char buffer[16384];
    const ssize_t got = recv(fd_.get(), buffer, sizeof(buffer), 0);
    size_t left = got < 0 ? 0 : static_cast<size_t>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer);
         NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
      if (header->nlmsg_type == RTM_DELLINK && link->ifi_index == index) {
        return true;
      }
    }
    return false;
  }

  FileDescriptor fd_;
};

TEST_F(NetNsTest, WorkRunsInsideAndTheCallerStaysOutside) {
  const NetNs ns = Make();
  auto links = LinkBatch::Open(ns);
  ASSERT_TRUE(links.ok()) << links.status();
  links->AddVeth({"lab-inside", 7, kMac}, {"lab-peer", 8, kMac}, ns);
  Succeed(links->Commit());
  std::set<std::string> inside;
  Succeed(ns.Run([&] {
    inside = LinkNames();
    return absl::OkStatus();
  }));
  EXPECT_EQ(inside.count("lab-inside"), 1u);
  EXPECT_EQ(LinkNames().count("lab-inside"), 0u);
}

TEST_F(NetNsTest, ErrorOfTheWorkComesBack) {
  EXPECT_TRUE(
      absl::IsAborted(Make().Run([] { return absl::AbortedError("so"); })));
}

TEST_F(NetNsTest, UnknownSysctlIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(
      Make().Run([] { return WriteSysctl("net/ipv4/no_such_setting", "1"); })));
}

TEST_F(NetNsTest, RefusedLinkChangeIsNamedAndTheOthersAreMade) {
  const NetNs ns = Make();
  auto links = LinkBatch::Open(ns);
  ASSERT_TRUE(links.ok()) << links.status();
  links->DeleteLink(4242);
  links->AddVeth({"lab-after", 7, kMac}, {"lab-peer", 8, kMac}, ns);
  const absl::Status status = links->Commit();
  EXPECT_NE(status.message().find("deleting link 4242"),
            absl::string_view::npos)
      << status;
  Succeed(ns.Run([] {
    return LinkNames().count("lab-after") == 1
               ? absl::OkStatus()
               : absl::NotFoundError("lab-after was not made");
  }));
}

TEST_F(NetNsTest, VethEndIsActiveOnlyWhenItsPeerIsUp) {
  const NetNs ns = Make();
  auto links = LinkBatch::Open(ns);
  ASSERT_TRUE(links.ok()) << links.status();
  links->AddVeth({"lab-first", 7, kMac}, {"lab-second", 8, kMac}, ns);
  links->SetUp(7);
  Succeed(links->Commit());
  EXPECT_TRUE(absl::IsFailedPrecondition(links->ActivateLink("lab-first")));
  links->SetUp(8);
  Succeed(links->Commit());
  Succeed(links->ActivateLink("lab-first"));
}

// One end of a pair stands in the namespace, so it goes when that goes.
TEST_F(NetNsTest, NothingIsLeftOfALab) {
  const std::set<std::string> before = LinkNames();
  const NetNs outside = Make();
  LinkEvents events(outside);
  auto links = LinkBatch::Open(outside);
  ASSERT_TRUE(links.ok()) << links.status();
  {
    auto lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    const IpAddress pod = *IpAddress::Parse("10.42.0.5");
    const IpAddress remote = *IpAddress::Parse("10.42.1.5");
    Succeed((*lab)->AddPod("a", {pod}));
    Succeed((*lab)->AddRemote({remote}));
    const auto outcome = (*lab)->ProbeOne({pod, remote, IPPROTO_TCP, 80});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    int index = kCanary;
    for (const NetNs* inner :
         {&(*lab)->node(), (*lab)->OwnerOf(pod), (*lab)->OwnerOf(remote)}) {
      ASSERT_NE(inner, nullptr);
      const std::string name = absl::StrCat("canary", index);
      links->AddVeth({name, index, kMac}, {name, kCanary, kMac}, *inner);
      ++index;
    }
    Succeed(links->Commit());
    EXPECT_EQ(LinkNames(), before);
  }
  EXPECT_EQ(LinkNames(), before);
  for (int index = kCanary; index < kCanary + 3; ++index) {
    // Whoever asks after the fact is answered by the name alone.
    Succeed(outside.Run([&] {
      const std::string name = absl::StrCat("canary", index);
      return if_nametoindex(name.c_str()) == 0 ||
                     events.AwaitDeletion(index, absl::Seconds(30))
                 ? absl::OkStatus()
                 : absl::DeadlineExceededError(name);
    }));
  }
}

TEST_F(NetNsTest, OfCallerStaysWhereTheCallerIs) {
  const NetNs elsewhere = Make();
  const NetNs of_caller = NetNs::OfCaller();
  const ino_t here = CurrentNamespace();
  Succeed(of_caller.Run([&] {
    EXPECT_EQ(CurrentNamespace(), here);
    return absl::OkStatus();
  }));
  Succeed(elsewhere.Run([&] {
    const ino_t there = CurrentNamespace();
    EXPECT_NE(there, here);
    return of_caller.Run([&] {
      EXPECT_EQ(CurrentNamespace(), there);
      return absl::OkStatus();
    });
  }));
}

TEST_F(NetNsTest, WhatWasMovedAwayActsNowhere) {
  NetNs first = Make();
  const NetNs second = std::move(first);
  bool ran = false;
  EXPECT_FALSE(first
                   .Run([&] {
                     ran = true;
                     return absl::OkStatus();
                   })
                   .ok());
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace netpol
