// A namespace's addresses as they come and go.
#include "netpol/dataplane/host/node_addresses.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> Text(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> text;
  for (const IpAddress& address : addresses) text.push_back(address.ToString());
  return text;
}

class NodeAddressesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs the privilege to make network namespaces";
  }

  // One with a link that makes no addresses of its own.
  std::unique_ptr<NodeAddressWatcher> Watch() {
    Shell(
        "ip link set lo up;"
        "ip link add one type bridge; ip link set one addrgenmode none; ip "
        "link set one up");
    absl::StatusOr<std::unique_ptr<NodeAddressWatcher>> watcher =
        NodeAddressWatcher::Create();
    EXPECT_TRUE(watcher.ok()) << watcher.status();
    return watcher.ok() ? *std::move(watcher) : nullptr;
  }

  static bool HasNews(const NodeAddressWatcher& watcher, int wait_ms = 0) {
    pollfd wanted{watcher.fd(), POLLIN, 0};
    return poll(&wanted, 1, wait_ms) > 0;
  }

  // How many messages to this netlink socket of ours the kernel has dropped, of
  // which it tells the reader once.
  static int Dropped(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return -1;
    std::ifstream table("/proc/thread-self/net/netlink");
    std::string line;
    while (std::getline(table, line)) {
      // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
      std::istringstream fields(line);
      std::vector<std::string> words{std::istream_iterator<std::string>(fields),
                                     {}};
      if (words.size() == 10 && words[9] == absl::StrCat(status.st_ino))
        return std::stoi(words[8]);
    }
    return -1;
  }

  static bool Changed(NodeAddressWatcher& watcher) {
    const absl::StatusOr<bool> changed = watcher.Poll();
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() && *changed;
  }

  // The kernel tells of an IPv6 address from a worker of its own, some time
  // after the call that added it.
  static bool ChangesSoon(NodeAddressWatcher& watcher) {
    while (HasNews(watcher, 10000)) {
      if (Changed(watcher)) return true;
    }
    return false;
  }
};

TEST_F(NodeAddressesTest, ListsEveryLinksOwnAddressesOnceAndInOrder) {
  Shell(
      "ip link set lo up;"
      "ip link add one type bridge; ip link set one addrgenmode none; ip link "
      "set one up;"
      "ip link add two type bridge; ip link set two addrgenmode none;"
      "ip addr add 192.0.2.7 peer 192.0.2.8 dev one;"
      "ip addr add 10.1.0.1/24 dev one; ip addr add 10.1.0.2/24 dev one;"
      "ip addr add 10.1.0.1/32 dev two;"
      "ip addr add 2001:db8::1/64 dev one nodad");
  const absl::StatusOr<std::vector<IpAddress>> addresses = ReadNodeAddresses();
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(Text(*addresses), ElementsAre("10.1.0.1", "10.1.0.2", "127.0.0.1",
                                            "192.0.2.7", "::1", "2001:db8::1"));
}

TEST_F(NodeAddressesTest, AnEmptyNamespaceHasNone) {
  const absl::StatusOr<std::vector<IpAddress>> addresses = ReadNodeAddresses();
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(Text(*addresses), ElementsAre());
}

TEST_F(NodeAddressesTest, AWatcherTellsWhatComesAndGoesInBothFamilies) {
  const auto watcher = Watch();
  ASSERT_NE(watcher, nullptr);
  EXPECT_THAT(Text(watcher->addresses()), ElementsAre("127.0.0.1", "::1"));
  EXPECT_FALSE(Changed(*watcher));

  for (const char* change : {"ip addr add 10.1.0.1/24 dev one",
                             "ip addr add 2001:db8::1/64 dev one nodad",
                             "ip addr del 10.1.0.1/24 dev one",
                             "ip addr del 2001:db8::1/64 dev one"}) {
    SCOPED_TRACE(change);
    Shell(change);
    EXPECT_TRUE(ChangesSoon(*watcher));
    EXPECT_EQ(Text(watcher->addresses()), Text(*ReadNodeAddresses()));
  }
  EXPECT_THAT(Text(watcher->addresses()), ElementsAre("127.0.0.1", "::1"));
}

TEST_F(NodeAddressesTest, NewsThatLeaveTheListAsItWasAreNoChange) {
  const auto watcher = Watch();
  ASSERT_NE(watcher, nullptr);
  Changed(*watcher);
  Shell("ip addr add 10.1.0.1/24 dev one; ip addr del 10.1.0.1/24 dev one");
  EXPECT_TRUE(HasNews(*watcher));
  EXPECT_FALSE(Changed(*watcher));
  EXPECT_FALSE(Changed(*watcher)) << "without any news";
}

TEST_F(NodeAddressesTest, ALinkThatGoesTakesItsAddressesWithIt) {
  const auto watcher = Watch();
  ASSERT_NE(watcher, nullptr);
  Shell(
      "ip link add two type bridge; ip link set two addrgenmode none; ip link "
      "set two up;"
      "ip addr add 10.2.0.1/24 dev two; ip addr add 10.1.0.1/24 dev one;"
      "ip addr add 2001:db8:2::1/64 dev two nodad");
  EXPECT_TRUE(Changed(*watcher));
  EXPECT_THAT(Text(watcher->addresses()),
              IsSupersetOf({"10.1.0.1", "10.2.0.1", "2001:db8:2::1"}));
  Shell("ip link del two");
  EXPECT_TRUE(Changed(*watcher));
  EXPECT_THAT(Text(watcher->addresses()),
              ElementsAre("10.1.0.1", "127.0.0.1", "::1"));
}

TEST_F(NodeAddressesTest, ABurstThatOverrunsTheBufferIsMadeGoodByAList) {
  const auto watcher = Watch();
  ASSERT_NE(watcher, nullptr);
  Changed(*watcher);
  const int tiny = 1;  // the kernel makes it the least that there is
  ASSERT_EQ(
      setsockopt(watcher->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)), 0);
  std::string batch;
  for (int i = 1; i <= 200; ++i)
    absl::StrAppend(&batch, "addr add 10.3.0.", i, "/32 dev one\n");
  for (int i = 1; i <= 199; ++i)
    absl::StrAppend(&batch, "addr del 10.3.0.", i, "/32 dev one\n");
  Shell(absl::StrCat("echo '", batch, "' | ip -batch -"));
  ASSERT_GT(Dropped(watcher->fd()), 0) << "the burst was to be too much";
  EXPECT_TRUE(Changed(*watcher));
  EXPECT_THAT(Text(watcher->addresses()),
              ElementsAre("10.3.0.200", "127.0.0.1", "::1"));
  Shell("ip addr del 10.3.0.200/32 dev one");
  EXPECT_TRUE(Changed(*watcher)) << "the watch goes on after it";
  EXPECT_THAT(Text(watcher->addresses()), Not(Contains("10.3.0.200")));
}

TEST_F(NodeAddressesTest, AWatcherStaysWithTheNamespaceItWasMadeIn) {
  const auto watcher = Watch();
  ASSERT_NE(watcher, nullptr);
  Changed(*watcher);
  Shell("ip addr add 10.1.0.1/24 dev one");
  ASSERT_TRUE(EnterPrivateNetwork());
  EXPECT_TRUE(Changed(*watcher));
  EXPECT_THAT(Text(watcher->addresses()),
              ElementsAre("10.1.0.1", "127.0.0.1", "::1"));
}

}  // namespace
}  // namespace netpol
