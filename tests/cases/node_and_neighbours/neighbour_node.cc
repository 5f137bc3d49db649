#include "tests/cases/node_and_neighbours/neighbour_node.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/cases/case_folders.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

constexpr char kFixtures[] = "tests/cases/node_and_neighbours/data/";

LayoutOptions BothFamilies() {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  return layout;
}

// Comments of the save programs hold the time.
std::string WithoutComments(const std::string& text) {
  std::string kept;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(line, "#")) absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

// ":NAME POLICY [packets:bytes]", without the brackets.
std::string WithoutChainCounters(const std::string& text) {
  std::string kept;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, ":")) line = line.substr(0, line.find(" ["));
    absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

}  // namespace

void NeighbourNodeTest::SetUp() {
  LabFixture::SetUp();
  if (IsSkipped()) return;
  absl::StatusOr<std::unique_ptr<CaseLab>> lab = CaseLab::Create();
  ASSERT_TRUE(lab.ok()) << lab.status();
  lab_ = *std::move(lab);
}

std::unique_ptr<Dataplane> NeighbourNodeTest::OpenKernel() {
  absl::StatusOr<std::unique_ptr<LinuxDataplane>> kernel;
  OnNode([&] { kernel = OpenLabKernel(); });
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return kernel.ok() ? *std::move(kernel) : nullptr;
}

void NeighbourNodeTest::StartController() {
  StartController(BothFamilies(), OpenKernel());
}

void NeighbourNodeTest::StartController(const LayoutOptions& layout,
                                        std::unique_ptr<Dataplane> kernel) {
  ASSERT_NE(kernel, nullptr);
  ControllerOptions options;
  options.node_name = kCaseNode;
  options.layout = layout;
  auto controller = Controller::Create(std::move(options), std::move(kernel));
  ASSERT_TRUE(controller.ok()) << controller.status();
  controller_ = *std::move(controller);
  cluster_ = Cluster();
}

void NeighbourNodeTest::Tell(const v1::WatchEvent& event) {
  const absl::Status told = controller_->OnEvent(event);
  ASSERT_TRUE(told.ok()) << told;
  ApplyEvent(event, cluster_);
}

void NeighbourNodeTest::TellAll(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events)
    ASSERT_NO_FATAL_FAILURE(Tell(event));
}

void NeighbourNodeTest::TellStep(const Case& told, size_t step) {
  ASSERT_LT(step, told.steps.size());
  const absl::StatusOr<std::vector<v1::WatchEvent>> events =
      EventsOf(told.steps[step]);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_NO_FATAL_FAILURE(TellAll(*events));
  if (!controller_->CheckKnown().ok()) TellAll(ListingOf({}));
}

SyncReport NeighbourNodeTest::Sync() {
  absl::StatusOr<SyncReport> report;
  OnNode([&] { report = controller_->Sync(); });
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : SyncReport();
}

SyncReport NeighbourNodeTest::Resync() {
  controller_->QueueResync();
  return Sync();
}

void NeighbourNodeTest::Settle() {
  const SyncReport first = Sync();
  EXPECT_TRUE(first.problems.empty()) << first.problems.front();
  EXPECT_FALSE(first.retry) << "something is left to do";
  EXPECT_EQ(Resync().writes.total(), 0u)
      << "the kernel is not as it was asked to be";
}

Case NeighbourNodeTest::ReadIt(absl::string_view id) {
  const absl::StatusOr<Case> read = ReadCaseById(id);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : Case();
}

void NeighbourNodeTest::EnforceCase(absl::string_view id) {
  ASSERT_NO_FATAL_FAILURE(StartController());
  const Case told = ReadIt(id);
  for (size_t step = 0; step < told.steps.size(); ++step)
    ASSERT_NO_FATAL_FAILURE(TellStep(told, step));
  Settle();
  ExpectVerdicts(told.steps.back().checks);
}

void NeighbourNodeTest::ExpectVerdicts(const std::vector<CaseCheck>& checks) {
  for (const CaseCheck& check : checks)
    EXPECT_EQ(Passes(check), check.allowed) << check;
}

bool NeighbourNodeTest::Passes(const CaseCheck& check) {
  const absl::StatusOr<IpAddress> from = AddressOf(cluster_, check.from);
  const absl::StatusOr<IpAddress> to = AddressOf(cluster_, check.to);
  if (!from.ok() || !to.ok()) {
    ADD_FAILURE() << check << ": " << from.status() << ", " << to.status();
    return false;
  }
  const std::vector<Packet> packets = {
      {*from, *to, check.protocol, check.port}};
  const absl::Status followed = lab_->Follow(cluster_, packets);
  EXPECT_TRUE(followed.ok()) << followed;
  const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
      lab_->Probe(packets);
  EXPECT_TRUE(outcomes.ok()) << outcomes.status();
  return outcomes.ok() && outcomes->front() == ProbeOutcome::kAllowed;
}

void NeighbourNodeTest::OnNode(const std::function<void()>& work) {
  const absl::Status ran = lab().RunOnNode(work);
  EXPECT_TRUE(ran.ok()) << ran;
}

std::string NeighbourNodeTest::Tool(std::vector<std::string> argv,
                                    const std::string& input) {
  Program program;
  program.argv = std::move(argv);
  program.input = input;
  const absl::StatusOr<ProgramResult> result = lab().ExecOnNode(program);
  const std::string line = absl::StrJoin(program.argv, " ");
  if (!result.ok()) {
    ADD_FAILURE() << line << ": " << result.status();
    return "";
  }
  EXPECT_EQ(result->exit_code, 0) << line << "\n" << result->err;
  return result->out;
}

void NeighbourNodeTest::Iptables(const std::string& arguments) {
  std::vector<std::string> argv = absl::StrSplit(arguments, ' ');
  argv.insert(argv.begin(), {LabTool("iptables"), "-w"});
  Tool(std::move(argv));
}

std::string NeighbourNodeTest::FilterTable(Family family) {
  return WithoutChainCounters(WithoutComments(
      Tool({LabTool(family, "iptables-save"), "-t", "filter"})));
}

std::string NeighbourNodeTest::KernelText() {
  std::string text;
  for (Family family : kFamilies) {
    absl::StrAppend(
        &text, WithoutChainCounters(WithoutComments(Tool(
                   {LabTool(family, "iptables-save"), "-c", "-t", "filter"}))));
  }
  absl::StrAppend(&text, Tool({"ipset", "save", "-sorted"}));
  return text;
}

std::vector<std::string> NeighbourNodeTest::RulesOf(const std::string& chain,
                                                    Family family) {
  return LinesWith(FilterTable(family), absl::StrCat("-A ", chain, " "));
}

std::string FixtureText(absl::string_view path) {
  std::ifstream file(absl::StrCat(kFixtures, path));
  EXPECT_TRUE(file.good()) << "no fixture " << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> LinesWith(const std::string& text,
                                   absl::string_view part) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::StrContains(line, part)) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace netpol
