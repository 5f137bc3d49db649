#include "netpol/watch/manifests/manifest_source.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kNone = absl::ZeroDuration();
// Less than the time after which the source looks without any sign, so that
// what arrives within was noticed.
constexpr absl::Duration kNoticed = absl::Seconds(8);

std::string Pod(const std::string& name, const std::string& node = "k") {
  return absl::StrCat("---\napiVersion: v1\nkind: Pod\nmetadata: {name: ", name,
                      "}\nspec: {nodeName: ", node, "}\n");
}

class ManifestSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/source.XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directory(In("cfg"));
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string In(const std::string& name) const {
    return absl::StrCat(root_, "/", name);
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(In(name)) << text;
  }
  // Starts to follow `path` and takes what there is.
  void Start(const std::string& path) {
    auto source = ManifestSource::Create({In(path)});
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    first_ = Poll(kNone);
  }

  // "+a@k", "-a", "=POD" for LISTED.
  std::vector<std::string> Poll(absl::Duration timeout) {
    std::vector<std::string> out;
    const auto events = [&out](v1::WatchEvent event) {
      const std::string& name = event.pod().metadata().name();
      if (event.type() == v1::WatchEvent::LISTED) {
        out.push_back(
            absl::StrCat("=", v1::WatchEvent::Kind_Name(event.listed_kind())));
      } else if (event.type() == v1::WatchEvent::UPSERT) {
        out.push_back(
            absl::StrCat("+", name, "@", event.pod().spec().node_name()));
      } else {
        out.push_back(absl::StrCat("-", name));
      }
    };
    new_problems_.clear();
    const auto problems = [this](const SourceProblem& problem) {
      new_problems_.push_back(problem.ToString());
    };
    EXPECT_TRUE(source_->Poll(timeout, events, problems).ok());
    return out;
  }

  // Polls until something is told.
  std::vector<std::string> Next() {
    const absl::Time deadline = absl::Now() + kNoticed;
    while (absl::Now() < deadline) {
      auto out = Poll(deadline - absl::Now());
      if (!out.empty() || !new_problems_.empty()) return out;
    }
    return {"(nothing)"};
  }

  std::string root_;
  std::unique_ptr<ManifestSource> source_;
  std::vector<std::string> first_;
  std::vector<std::string> new_problems_;
};

TEST_F(ManifestSourceTest, FirstPollTellsAllAndThenThatItWasAll) {
  Write("cfg/a.yaml", Pod("a") + Pod("b"));
  Start("cfg");
  EXPECT_THAT(first_, ElementsAre("+a@k", "+b@k", "=NAMESPACE", "=POD", "=NODE",
                                  "=NETWORK_POLICY"));
  EXPECT_THAT(Poll(kNone), IsEmpty());
}

TEST_F(ManifestSourceTest, EmptyFolderIsListedToo) {
  Start("cfg");
  EXPECT_THAT(first_, SizeIs(4));
}

TEST_F(ManifestSourceTest, MissingPathIsAnErrorAtStart) {
  EXPECT_EQ(ManifestSource::Create({In("none")}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadManifests({In("none")}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ManifestSourceTest, DescriptorTellsWhenToPoll) {
  Start("cfg");
  pollfd waiting = {};
  waiting.fd = source_->fd();
  waiting.events = POLLIN;
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
  Write("cfg/a.yaml", Pod("a"));
  std::vector<std::string> told;
  while (told.empty()) {
    ASSERT_EQ(poll(&waiting, 1, absl::ToInt64Milliseconds(kNoticed)), 1);
    told = Poll(kNone);
  }
  EXPECT_THAT(told, ElementsAre("+a@k"));
}

TEST_F(ManifestSourceTest, WrittenRenamedAndDeletedFilesAreNoticed) {
  Start("cfg");
  Write("cfg/a.yaml", Pod("a"));
  EXPECT_THAT(Next(), ElementsAre("+a@k"));
  Write("new.yaml", Pod("a", "m"));
  fs::rename(In("new.yaml"), In("cfg/a.yaml"));
  EXPECT_THAT(Next(), ElementsAre("+a@m"));
  fs::remove(In("cfg/a.yaml"));
  EXPECT_THAT(Next(), ElementsAre("-a"));
}

TEST_F(ManifestSourceTest, SingleFileIsFollowedThroughRenames) {
  Write("one.yaml", Pod("a"));
  Start("one.yaml");
  Write("new.yaml", Pod("a", "m"));
  fs::rename(In("new.yaml"), In("one.yaml"));
  EXPECT_THAT(Next(), ElementsAre("+a@m"));
  Write("one.yaml", Pod("a", "o"));
  EXPECT_THAT(Next(), ElementsAre("+a@o"));
}

TEST_F(ManifestSourceTest, NewSubfoldersAreFollowed) {
  Start("cfg");
  fs::create_directories(In("cfg/sub/deep"));
  Write("cfg/sub/deep/a.yaml", Pod("a"));
  EXPECT_THAT(Next(), ElementsAre("+a@k"));
  Write("cfg/sub/deep/b.yaml", Pod("b"));
  EXPECT_THAT(Next(), ElementsAre("+b@k"));
}

TEST_F(ManifestSourceTest, HalfWrittenFileDeletesNothing) {
  Write("cfg/a.yaml", Pod("a") + Pod("b"));
  Start("cfg");
  const int fd = open(In("cfg/a.yaml").c_str(), O_WRONLY | O_TRUNC);
  const std::string first = Pod("a", "m");
  ASSERT_GT(write(fd, first.data(), first.size()), 0);
  EXPECT_THAT(Poll(absl::Milliseconds(300)), IsEmpty());
  const std::string second = Pod("b", "m");
  ASSERT_GT(write(fd, second.data(), second.size()), 0);
  close(fd);
  EXPECT_THAT(Next(), ElementsAre("+a@m", "+b@m"));
}

TEST_F(ManifestSourceTest, MountedConfigMapIsFollowed) {
  // As the kubelet does it: a "..data" link to a dated folder, swapped as a
  // whole.
  fs::create_directory(In("cfg/..1"));
  Write("cfg/..1/a.yaml", Pod("a"));
  fs::create_directory_symlink("..1", In("cfg/..data"));
  fs::create_symlink("..data/a.yaml", In("cfg/a.yaml"));
  Start("cfg");
  EXPECT_THAT(first_, SizeIs(5));
  fs::create_directory(In("cfg/..2"));
  Write("cfg/..2/a.yaml", Pod("a", "m"));
  fs::create_directory_symlink("..2", In("cfg/..data_tmp"));
  fs::rename(In("cfg/..data_tmp"), In("cfg/..data"));
  fs::remove_all(In("cfg/..1"));
  EXPECT_THAT(Next(), ElementsAre("+a@m"));
  EXPECT_THAT(source_->problems(), IsEmpty());
}

TEST_F(ManifestSourceTest, TargetOfALinkIsFollowed) {
  Write("target.yaml", Pod("a"));
  fs::create_symlink(In("target.yaml"), In("cfg/a.yaml"));
  Start("cfg");
  Write("target.yaml", Pod("a", "m"));
  EXPECT_THAT(Next(), ElementsAre("+a@m"));
}

TEST_F(ManifestSourceTest, FolderMayVanishAndReturn) {
  Write("cfg/a.yaml", Pod("a"));
  Start("cfg");
  fs::rename(In("cfg"), In("away"));
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_THAT(new_problems_, ElementsAre(HasSubstr("stays")));
  EXPECT_THAT(source_->problems(), SizeIs(1));
  Write("away/a.yaml", Pod("a", "m"));
  fs::rename(In("away"), In("cfg"));
  EXPECT_THAT(Next(), ElementsAre("+a@m"));
  EXPECT_THAT(source_->problems(), IsEmpty());
  // And is followed as before.
  Write("cfg/b.yaml", Pod("b"));
  EXPECT_THAT(Next(), ElementsAre("+b@k"));
}

TEST_F(ManifestSourceTest, ProblemIsToldOnceAndStandsUntilItIsSolved) {
  Write("cfg/a.yaml", "kind: [\n");
  Start("cfg");
  EXPECT_THAT(new_problems_, SizeIs(1));
  Write("cfg/b.yaml", Pod("b"));
  EXPECT_THAT(Next(), ElementsAre("+b@k"));
  EXPECT_THAT(new_problems_, IsEmpty());
  EXPECT_THAT(source_->problems(), SizeIs(1));
  Write("cfg/a.yaml", Pod("a"));
  EXPECT_THAT(Next(), ElementsAre("+a@k"));
  EXPECT_THAT(source_->problems(), IsEmpty());
}

TEST_F(ManifestSourceTest, ReadManifestsGivesObjectsAndProblems) {
  Write(
      "cfg/a.yaml",
      Pod("a") + "---\n{apiVersion: v1, kind: Namespace, metadata: {name: z}}");
  Write("cfg/b.yaml", "kind: [\n");
  auto set = ReadManifests({In("cfg")});
  ASSERT_TRUE(set.ok()) << set.status();
  ASSERT_THAT(set->objects, SizeIs(2));
  EXPECT_EQ(set->objects[0].namespace_().metadata().name(), "z");
  EXPECT_EQ(set->objects[1].pod().metadata().name(), "a");
  EXPECT_THAT(set->problems, SizeIs(1));
}

}  // namespace
}  // namespace netpol
