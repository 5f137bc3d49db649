#include "netpol/watch/manifests/manifest_store.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A pod as one YAML document; `node` is its content.
std::string Pod(const std::string& name, const std::string& node = "k") {
  return absl::StrCat("---\napiVersion: v1\nkind: Pod\nmetadata: {name: ", name,
                      "}\nspec: {nodeName: ", node, "}\n");
}

class ManifestStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/store.XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    store_ = std::make_unique<ManifestStore>(std::vector<std::string>{root_});
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string In(const std::string& name) const {
    return absl::StrCat(root_, "/", name);
  }
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(In(name)).parent_path());
    std::ofstream(In(name)) << text;
  }
  void Follow(std::vector<std::string> paths) {
    store_ = std::make_unique<ManifestStore>(std::move(paths));
  }

  // "+a@k" for a pod told, "-a" for one deleted.
  std::vector<std::string> Refresh() {
    std::vector<std::string> out;
    for (const v1::WatchEvent& event : store_->Refresh(nullptr)) {
      const bool upsert = event.type() == v1::WatchEvent::UPSERT;
      out.push_back(
          absl::StrCat(upsert ? "+" : "-", event.pod().metadata().name(),
                       upsert ? "@" : "", event.pod().spec().node_name()));
    }
    return out;
  }
  std::vector<std::string> Problems() const {
    std::vector<std::string> out;
    for (const auto& problem : store_->problems()) {
      out.push_back(problem.ToString());
    }
    return out;
  }

  std::string root_;
  std::unique_ptr<ManifestStore> store_;
};

TEST_F(ManifestStoreTest, FoldersAreReadAllTheWayDown) {
  Write("b.yaml", Pod("b"));
  Write("sub/deep/a.yml", Pod("a"));
  Write("c.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\","
        " \"metadata\": {\"name\": \"c\"}}");
  EXPECT_THAT(Refresh(), ElementsAre("+a@k", "+b@k", "+c@"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, HiddenFilesAndLeftoversAreSkipped) {
  for (const char* name : {".a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#",
                           "a.yaml.bak", "README.md", ".git/a.yaml"}) {
    Write(name, Pod("a"));
  }
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, FileThatIsNamedNeedsNoSuffix) {
  Write("pods.txt", Pod("a"));
  Follow({In("pods.txt")});
  EXPECT_THAT(Refresh(), ElementsAre("+a@k"));
}

TEST_F(ManifestStoreTest, FileIsReadOnceHoweverManyWaysLeadToIt) {
  Write("sub/a.yaml", Pod("a"));
  fs::create_directory_symlink(root_, In("sub/circle"));
  fs::create_symlink(In("sub/a.yaml"), In("b.yaml"));
  Follow({In("sub"), root_, In("sub/a.yaml")});
  EXPECT_THAT(Refresh(), ElementsAre("+a@k"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, MissingPathIsAnErrorAtStart) {
  Follow({root_, In("none")});
  EXPECT_EQ(store_->CheckPaths().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(store_->CheckPaths().message()), HasSubstr("/none"));
  Follow({});
  EXPECT_EQ(store_->CheckPaths().code(), absl::StatusCode::kInvalidArgument);
  Follow({"/dev/null"});
  EXPECT_EQ(store_->CheckPaths().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ManifestStoreTest, OnlyChangedContentIsTold) {
  Write("a.yaml", Pod("a") + Pod("b"));
  EXPECT_THAT(Refresh(), ElementsAre("+a@k", "+b@k"));
  EXPECT_THAT(Refresh(), IsEmpty());
  Write("a.yaml", "# a comment\n" + Pod("b") + Pod("a", "m"));
  EXPECT_THAT(Refresh(), ElementsAre("+a@m"));
  Write("a.yaml", Pod("a", "m"));
  EXPECT_THAT(Refresh(), ElementsAre("-b"));
}

TEST_F(ManifestStoreTest, ChangeOfEqualSizeWithinAClockTickIsSeen) {
  for (int i = 0; i < 20; ++i) {
    const std::string node = i % 2 == 0 ? "m" : "k";
    Write("a.yaml", Pod("a", node));
    EXPECT_THAT(Refresh(), ElementsAre("+a@" + node));
  }
}

TEST_F(ManifestStoreTest, ObjectThatMovesToAnotherFileIsNotDeleted) {
  Write("a.yaml", Pod("a"));
  Refresh();
  fs::rename(In("a.yaml"), In("b.yaml"));
  EXPECT_THAT(Refresh(), IsEmpty());
}

TEST_F(ManifestStoreTest, DeletedFileDeletesItsObjects) {
  Write("a.yaml", Pod("a"));
  Write("sub/b.yaml", Pod("b"));
  Refresh();
  fs::remove_all(In("sub"));
  EXPECT_THAT(Refresh(), ElementsAre("-b"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, FirstOfTwoEqualNamesCounts) {
  Write("a.yaml", Pod("x", "first") + Pod("x", "second"));
  Write("b.yaml", Pod("x", "third"));
  EXPECT_THAT(Refresh(), ElementsAre("+x@first"));
  EXPECT_THAT(Problems(),
              ElementsAre(AllOf(HasSubstr("a.yaml:7:1: Pod default/x"),
                                HasSubstr("a.yaml:2 counts")),
                          AllOf(HasSubstr("b.yaml:2:1: Pod default/x"),
                                HasSubstr("a.yaml:2 counts"))));
  fs::remove(In("a.yaml"));
  EXPECT_THAT(Refresh(), ElementsAre("+x@third"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, UnreadableDocumentKeepsWhatItsFileGave) {
  Write("a.yaml", Pod("a") + Pod("b"));
  Refresh();
  Write("a.yaml", Pod("a", "m") + "---\nkind: [\n");
  EXPECT_THAT(Refresh(), ElementsAre("+a@m"));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("document 2")));
  // As long as it takes.
  Write("a.yaml", "kind: [\n");
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("document 1")));
  Write("a.yaml", Pod("a", "m"));
  EXPECT_THAT(Refresh(), ElementsAre("-b"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, UnreadableObjectKeepsItsLastGoodVersion) {
  Write("a.yaml", Pod("a") + Pod("b"));
  Refresh();
  Write("a.yaml", Pod("a", "12"));
  EXPECT_THAT(Refresh(), ElementsAre("-b"));
  EXPECT_THAT(Problems(), Contains(HasSubstr("spec.nodeName")));
  // Also when it moves at the same time.
  fs::rename(In("a.yaml"), In("z.yaml"));
  Write("z.yaml", Pod("a", "true"));
  EXPECT_THAT(Refresh(), IsEmpty());
  Write("z.yaml", "");
  EXPECT_THAT(Refresh(), ElementsAre("-a"));
}

TEST_F(ManifestStoreTest, WhatIsKeptGivesWayToAnotherFile) {
  Write("a.yaml", Pod("a"));
  Refresh();
  Write("a.yaml", "kind: [\n");
  Write("b.yaml", Pod("a", "m"));
  EXPECT_THAT(Refresh(), ElementsAre("+a@m"));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("a.yaml")));
}

TEST_F(ManifestStoreTest, VanishedPathKeepsWhatItGave) {
  Write("f/a.yaml", Pod("a"));
  Write("b.yaml", Pod("b"));
  Follow({In("f"), In("b.yaml")});
  EXPECT_THAT(Refresh(), ElementsAre("+a@k", "+b@k"));
  fs::rename(In("f"), In("g"));
  fs::remove(In("b.yaml"));
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Problems(),
              ElementsAre(AllOf(HasSubstr("/b.yaml"), HasSubstr("stays")),
                          AllOf(HasSubstr("/f"), HasSubstr("stays"))));
  Write("f/c.yaml", Pod("c"));
  Write("b.yaml", Pod("b"));
  EXPECT_THAT(Refresh(), ElementsAre("+c@k", "-a"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ManifestStoreTest, UnreadableFileAndFolderKeepWhatTheyGave) {
  if (geteuid() == 0) {
    // Root reads everything, but nobody reads a link to nowhere.
    Write("a.yaml", Pod("a"));
    Refresh();
    fs::remove(In("a.yaml"));
    fs::create_symlink(In("none"), In("a.yaml"));
    EXPECT_THAT(Refresh(), IsEmpty());
    EXPECT_THAT(Problems(), ElementsAre(HasSubstr("a.yaml")));
    return;
  }
  Write("a.yaml", Pod("a"));
  Write("sub/b.yaml", Pod("b"));
  Refresh();
  fs::permissions(In("a.yaml"), fs::perms::none);
  fs::permissions(In("sub"), fs::perms::none);
  Write("c.yaml", Pod("c"));
  EXPECT_THAT(Refresh(), ElementsAre("+c@k"));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("a.yaml"), HasSubstr("sub")));
  fs::permissions(In("sub"), fs::perms::owner_all);
}

TEST_F(ManifestStoreTest, FileThatGrowsTooBigKeepsWhatItGave) {
  Write("a.yaml", Pod("a"));
  Refresh();
  fs::resize_file(In("a.yaml"), uintmax_t{65} << 20);  // A hole; no space used.
  EXPECT_THAT(Refresh(), IsEmpty());
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("bytes, more than")));
}

TEST_F(ManifestStoreTest, PlacesToWatchAreFoldersAndLinkedFiles) {
  Write("sub/a.yaml", Pod("a"));
  Write(".real/b.yaml", Pod("b"));
  fs::create_symlink(In(".real/b.yaml"), In("b.yaml"));
  std::vector<std::string> places;
  store_->Refresh([&places](const std::string& p) { places.push_back(p); });
  EXPECT_THAT(places, ElementsAre(root_, In("b.yaml"), In("sub")));
}

}  // namespace
}  // namespace netpol
