#include "netpol/enforcer/node_claim.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class NodeClaimTest : public LabFixture {
 protected:
  static NetNs MakeNode() { return *NetNs::Create(); }

  static absl::StatusOr<NodeClaim> TakeIn(
      const NetNs& ns,
      NodeClaim::WhenUnknown unknown = NodeClaim::WhenUnknown::kRefuse) {
    absl::StatusOr<NodeClaim> claim = absl::InternalError("not asked");
    const absl::Status ran = ns.Run([&] {
      claim = NodeClaim::Take(unknown);
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return claim;
  }
  // "" for nobody.
  static std::string HolderIn(const NetNs& ns) {
    std::string holder;
    const absl::Status ran = ns.Run([&]() -> absl::Status {
      const auto asked = NodeClaim::Holder();
      if (asked.ok()) holder = asked->value_or("");
      return asked.status();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return holder;
  }
};

// A process of `user` that listens on the name until its pipe is closed.
class OtherHolder {
 public:
  OtherHolder(const NetNs& ns, uid_t user) {
    int ready[2];
    if (pipe(ready) != 0 || pipe(stay_) != 0) abort();
    const absl::Status ran = ns.Run([&] {
      pid_ = fork();
      if (pid_ == 0) Hold(user, ready[1]);
      return absl::OkStatus();
    });
    close(ready[1]);
    close(stay_[0]);
    char byte = 0;
    EXPECT_TRUE(ran.ok() && read(ready[0], &byte, 1) == 1);
    close(ready[0]);
  }
  ~OtherHolder() {
    close(stay_[1]);
    waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }

 private:
  [[noreturn]] void Hold(uid_t user, int ready) {
    close(stay_[1]);
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    constexpr char kName[] = "netpol-enforcer";
    std::memcpy(name.sun_path + 1, kName, sizeof(kName) - 1);
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + sizeof(kName));
    if (setuid(user) != 0) _exit(1);
    const int file = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(file, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        listen(file, 1) != 0 || write(ready, "x", 1) != 1) {
      _exit(1);
    }
    char byte;
    (void)!read(stay_[0], &byte, 1);
    _exit(0);
  }

  int stay_[2];
  pid_t pid_ = 0;
};

TEST_F(NodeClaimTest, NobodyHoldsANewNode) {
  EXPECT_EQ(HolderIn(MakeNode()), "");
}

TEST_F(NodeClaimTest, TheSecondIsRefusedAndToldWhoHoldsIt) {
  const NetNs node = MakeNode();
  const auto claim = TakeIn(node);
  ASSERT_TRUE(claim.ok()) << claim.status();
  const auto second = TakeIn(node);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(absl::StrCat("this very process, ", getpid())),
                    HasSubstr("@netpol-enforcer")));
  EXPECT_EQ(HolderIn(node), absl::StrCat("this very process, ", getpid()));
}

TEST_F(NodeClaimTest, ItEndsWithItsObjectAndCanBeTakenAgain) {
  const NetNs node = MakeNode();
  {
    auto claim = TakeIn(node);
    ASSERT_TRUE(claim.ok()) << claim.status();
    const NodeClaim moved = *std::move(claim);
    EXPECT_NE(HolderIn(node), "");
  }
  EXPECT_EQ(HolderIn(node), "");
  EXPECT_TRUE(TakeIn(node).ok());
}

TEST_F(NodeClaimTest, EachNetworkNamespaceHasItsOwn) {
  const NetNs one = MakeNode();
  const NetNs two = MakeNode();
  const auto first = TakeIn(one);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(HolderIn(two), "");
  EXPECT_TRUE(TakeIn(two).ok());
}

TEST_F(NodeClaimTest, AnotherProcessIsNamedWithItsCommand) {
  const NetNs node = MakeNode();
  const OtherHolder other(node, 0);
  const auto claim = TakeIn(node);
  EXPECT_EQ(claim.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(claim.status().message()),
              AllOf(HasSubstr(absl::StrCat("process ", other.pid(), " (")),
                    HasSubstr("node_claim_test")));
}

TEST_F(NodeClaimTest, AProcessThatIsKilledHoldsNothing) {
  const NetNs node = MakeNode();
  { const OtherHolder other(node, 0); }
  EXPECT_EQ(HolderIn(node), "");
}

// Any user may listen on any such name, and must not stop enforcement by it.
TEST_F(NodeClaimTest, AUserWithoutRightsCannotKeepAnEnforcerAway) {
  const NetNs node = MakeNode();
  const OtherHolder other(node, 65534);
  EXPECT_EQ(HolderIn(node), "");
  const auto claim = TakeIn(node);
  EXPECT_TRUE(claim.ok()) << claim.status();
}

TEST_F(NodeClaimTest, AHolderThatAnswersCanBeAskedForEver) {
  const NetNs node = MakeNode();
  const auto claim = TakeIn(node);
  ASSERT_TRUE(claim.ok()) << claim.status();
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 120; ++i)
      ASSERT_THAT(HolderIn(node), HasSubstr("this very process"));
    claim->LetAskersGo();
  }
}

TEST_F(NodeClaimTest, WhoWouldTakeAwayRefusesWhereNobodyCanBeAsked) {
  const NetNs node = MakeNode();
  const auto claim = TakeIn(node);
  ASSERT_TRUE(claim.ok()) << claim.status();
  // As many as the kernel lets wait.
  for (int i = 0; i < 10000 && HolderIn(node) != "another process"; ++i) {
  }
  ASSERT_EQ(HolderIn(node), "another process");
  EXPECT_TRUE(absl::IsFailedPrecondition(TakeIn(node).status()));
  EXPECT_TRUE(TakeIn(node, NodeClaim::WhenUnknown::kGoOn).ok())
      << "nobody keeps a node from being enforced";
  claim->LetAskersGo();
  EXPECT_THAT(HolderIn(node), HasSubstr("this very process"));
}

}  // namespace
}  // namespace netpol
