#include "tests/demo/scene.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr char kManifests[] = "tests/demo/manifests";
constexpr char kEdits[] = "tests/demo/edits/";

// The manifests once an edit replaced its file.
std::vector<std::string> Edited(const std::string& edit) {
  std::vector<std::string> paths = {kEdits + edit};
  for (const auto& entry : std::filesystem::directory_iterator(kManifests)) {
    if (entry.path().filename() != edit) paths.push_back(entry.path());
  }
  return paths;
}

Scene Read(const std::vector<std::string>& manifests) {
  absl::StatusOr<Scene> scene = ReadScene(manifests);
  EXPECT_TRUE(scene.ok()) << scene.status();
  return scene.ok() ? *std::move(scene) : Scene();
}

TEST(SceneTest, EveryPolicyDecidesAVerdictInBothFamilies) {
  const Scene scene = Read({kManifests});
  const Verdicts verdicts = ExpectedVerdicts(scene, /*enforced=*/true);
  ASSERT_THAT(scene.cluster.policies, Not(IsEmpty()));
  for (size_t i = 0; i < scene.cluster.policies.size(); ++i) {
    Scene without = scene;
    auto& policies = without.cluster.policies;
    policies.erase(policies.begin() + static_cast<ptrdiff_t>(i));
    int changes[2] = {0, 0};
    for (const auto& [path, outcome] :
         Changes(verdicts, ExpectedVerdicts(without, /*enforced=*/true)))
      ++changes[static_cast<int>(path.family)];
    const std::string& name = scene.cluster.policies[i].metadata().name();
    EXPECT_GT(changes[0], 0) << name;
    EXPECT_EQ(changes[0], changes[1]) << name;
  }
}

TEST(SceneTest, EveryEditChangesAVerdict) {
  const Verdicts before = ExpectedVerdicts(Read({kManifests}), true);
  for (const char* edit : {"api.yaml", "node-b.yaml", "worker-2.yaml"}) {
    const Scene edited = Read(Edited(edit));
    EXPECT_THAT(Changes(before, ExpectedVerdicts(edited, true)), Not(IsEmpty()))
        << edit;
  }
}

TEST(SceneTest, WithoutEnforcementEverythingIsAllowed) {
  for (const auto& [path, outcome] :
       ExpectedVerdicts(Read({kManifests}), /*enforced=*/false))
    EXPECT_EQ(outcome, ProbeOutcome::kAllowed) << path.sender;
}

TEST(SceneTest, DifferenceNamesThePathAndBothVerdicts) {
  const Scene scene = Read({kManifests});
  const Verdicts expected = ExpectedVerdicts(scene, /*enforced=*/true);
  EXPECT_THAT(Differences(scene, expected, expected), IsEmpty());
  Verdicts measured = expected;
  measured[{"guest/visitor", 2, Family::kIPv6}] = ProbeOutcome::kAllowed;
  measured.erase({"guest/visitor", 0, Family::kIPv4});
  EXPECT_THAT(
      Differences(scene, expected, measured),
      ElementsAre("IPv4 from guest/visitor to shop/web port 8080: expected "
                  "allowed, but nothing was sent",
                  "IPv6 from guest/visitor to shop/db port 5432: expected "
                  "rejected, but allowed"));
}

TEST(SceneTest, ManyDifferencesAreCounted) {
  const Scene scene = Read({kManifests});
  const Verdicts expected = ExpectedVerdicts(scene, /*enforced=*/true);
  const std::vector<std::string> lines = Differences(scene, expected, {});
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines.back(), absl::StrCat("and ", expected.size() - 10, " more"));
}

TEST(SceneTest, UnreadableManifestIsAnError) {
  EXPECT_FALSE(ReadScene({"tests/demo/nothing"}).ok());
  EXPECT_FALSE(ReadScene({std::string(kEdits) + "api.yaml"}).ok());
}

}  // namespace
}  // namespace netpol
