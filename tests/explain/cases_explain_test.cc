// The cases of tests/cases, explained step by step from their manifests alone.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/daemon/empty_kernel.h"
#include "netpol/daemon/explain_form.h"
#include "netpol/daemon/offline_explanation.h"
#include "netpol/rules/protocol.h"
#include "netpol/testing/cluster.h"
#include "netpol/watch/manifests/manifest_source.h"
#include "tests/cases/case_reader.h"

namespace netpol {
namespace {

constexpr char kData[] = "tests/cases/data";
constexpr char kNode[] = "node-a";

std::vector<std::string> CaseIds() {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kData, error))
    ids.push_back(entry.path().filename());
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Deletes and manifests of the steps up to `last`, in order.
std::vector<v1::WatchEvent> EventsUntil(const Case& all, size_t last) {
  std::vector<v1::WatchEvent> events;
  for (size_t i = 0; i <= last; ++i) {
    const CaseStep& step = all.steps[i];
    events.insert(events.end(), step.deletes.begin(), step.deletes.end());
    if (step.manifests.empty()) continue;
    const absl::StatusOr<ManifestSet> read = ReadManifests({step.manifests});
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok()) {
      events.insert(events.end(), read->objects.begin(), read->objects.end());
    }
  }
  return events;
}

ControllerOptions OptionsOfNode() {
  ControllerOptions options;
  options.node_name = kNode;
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  return options;
}

class CasesExplainTest : public testing::TestWithParam<std::string> {
 protected:
  // As `netpolctl explain --manifests` does it.
  static void Check(const CaseCheck& check, Controller& controller,
                    const std::vector<v1::WatchEvent>& events) {
    v1::ExplainRequest request;
    request.set_from(check.from);
    request.set_to(check.to);
    request.set_protocol(ProtocolText(check.protocol));
    request.set_port(check.port);
    const absl::StatusOr<v1::Explanation> explanation =
        ExplainOffline(request, ContextOf(controller, events), controller);
    ASSERT_TRUE(explanation.ok()) << check << ": " << explanation.status();
    EXPECT_EQ(explanation->verdict(), VerdictText(check.allowed))
        << check << "\n"
        << TextOf(*explanation);
    EXPECT_TRUE(explanation->agrees()) << TextOf(*explanation);
  }
};

TEST_P(CasesExplainTest, ExplanationHasTheVerdictOfEveryCheck) {
  const absl::StatusOr<Case> read =
      ReadCase(absl::StrCat(kData, "/", GetParam()));
  ASSERT_TRUE(read.ok()) << read.status();
  for (size_t i = 0; i < read->steps.size(); ++i) {
    SCOPED_TRACE(absl::StrCat("step ", read->steps[i].number));
    const std::vector<v1::WatchEvent> events = EventsUntil(*read, i);
    auto controller =
        Controller::Create(OptionsOfNode(), std::make_unique<EmptyKernel>());
    ASSERT_TRUE(controller.ok()) << controller.status();
    for (const v1::WatchEvent& event : events)
      ASSERT_TRUE((*controller)->OnEvent(event).ok());
    for (const v1::WatchEvent& event : ListingOf({}))
      ASSERT_TRUE((*controller)->OnEvent(event).ok());
    for (const CaseCheck& check : read->steps[i].checks)
      ASSERT_NO_FATAL_FAILURE(Check(check, **controller, events));
  }
}

INSTANTIATE_TEST_SUITE_P(Data, CasesExplainTest, testing::ValuesIn(CaseIds()),
                         [](const auto& info) { return info.param; });

TEST(CasesExplainDataTest, TheCasesAreThere) {
  EXPECT_GT(CaseIds().size(), 50u);
}

}  // namespace
}  // namespace netpol
