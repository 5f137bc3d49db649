#include "netpol/state/named_port_registry.h"

#include <netinet/in.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/selector.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

NamedPortKey Http(bool local_only = false) {
  return {"http", IPPROTO_TCP, local_only, absl::nullopt};
}

TEST(NamedPortRegistryTest, EqualKeysShareAnId) {
  NamedPortRegistry registry;
  const NamedPortId id = registry.Acquire(Http());
  EXPECT_EQ(registry.Acquire(Http()), id);
  EXPECT_EQ(registry.Get(id), Http());
}

TEST(NamedPortRegistryTest, EveryFieldTellsKeysApart) {
  NamedPortRegistry registry;
  const NamedPortId id = registry.Acquire(Http());
  NamedPortKey among = Http();
  among.among = PodSetExpression({PodTerm()});
  EXPECT_NE(registry.Acquire(Http(true)), id);
  EXPECT_NE(registry.Acquire(among), id);
  EXPECT_NE(registry.Acquire({"http", IPPROTO_UDP, false, absl::nullopt}), id);
  EXPECT_NE(registry.Acquire({"https", IPPROTO_TCP, false, absl::nullopt}), id);
}

TEST(NamedPortRegistryTest, ListenersAreFoundByNameAndProtocol) {
  NamedPortRegistry registry;
  const NamedPortId everywhere = registry.Acquire(Http());
  const NamedPortId here = registry.Acquire(Http(true));
  registry.Acquire({"http", IPPROTO_UDP, false, absl::nullopt});
  EXPECT_THAT(registry.Listeners("http", IPPROTO_TCP),
              UnorderedElementsAre(everywhere, here));
  EXPECT_THAT(registry.Listeners("htt", IPPROTO_TCP), IsEmpty());
}

TEST(NamedPortRegistryTest, ListenerStaysUntilItsLastUserLeaves) {
  NamedPortRegistry registry;
  const NamedPortId id = registry.Acquire(Http());
  registry.Acquire(Http());
  registry.Release(id);
  EXPECT_THAT(registry.Listeners("http", IPPROTO_TCP), ElementsAre(id));
  registry.Release(id);
  EXPECT_THAT(registry.Listeners("http", IPPROTO_TCP), IsEmpty());
  EXPECT_NE(registry.Acquire(Http()), id);
}

}  // namespace
}  // namespace netpol
