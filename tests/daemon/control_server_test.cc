#include "netpol/daemon/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/daemon/control_client.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() {
    // The folder for tests has too long a name for a socket.
    std::string pattern = "/tmp/control.XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/run/socket";
  }
  ~ControlServerTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  absl::StatusOr<std::unique_ptr<ControlServer>> Start() const {
    return ControlServer::Start(
        path_, {{"/v1/echo",
                 [](const std::string& body) -> absl::StatusOr<std::string> {
                   return "{\"echo\":" + body + "}";
                 }},
                {"/v1/fail",
                 [](const std::string& body) -> absl::StatusOr<std::string> {
                   return absl::NotFoundError("no " + body);
                 }}});
  }
  absl::StatusOr<std::string> Ask(const std::string& route,
                                  const std::string& body) const {
    return AskDaemon(path_, route, body);
  }
  bool Exists() const { return access(path_.c_str(), F_OK) == 0; }

  std::string folder_;
  std::string path_;
};

TEST_F(ControlServerTest, AnswersAndErrorsArrive) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(*Ask("/v1/echo", "1"), "{\"echo\":1}");
  EXPECT_EQ(Ask("/v1/fail", "such pod").status(),
            absl::NotFoundError("no such pod"));
  const absl::Status unknown = Ask("/v1/other", "").status();
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("/v1/other"));
}

TEST_F(ControlServerTest, RequestThatIsTooLargeIsRefused) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Ask("/v1/echo", std::string(size_t{60} * 1024, 'x')).ok());
  EXPECT_FALSE(Ask("/v1/echo", std::string(size_t{70} * 1024, 'x')).ok());
  EXPECT_TRUE(Ask("/v1/echo", "1").ok());
}

TEST_F(ControlServerTest, SocketIsTheOwnersAloneAndGoesWithTheServer) {
  {
    const auto server = Start();
    ASSERT_TRUE(server.ok()) << server.status();
    struct stat found = {};
    ASSERT_EQ(lstat(path_.c_str(), &found), 0);
    EXPECT_TRUE(S_ISSOCK(found.st_mode));
    EXPECT_EQ(found.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(Exists());
  const absl::Status asked = Ask("/v1/echo", "1").status();
  EXPECT_EQ(asked.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(asked.message()), HasSubstr(path_));
}

TEST_F(ControlServerTest, SocketOfADeadDaemonIsReplaced) {
  std::filesystem::create_directory(folder_ + "/run");
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  close(fd);
  ASSERT_TRUE(Exists());
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Ask("/v1/echo", "1").ok());
}

TEST_F(ControlServerTest, SecondServerIsRefusedAndTheFirstGoesOn) {
  const auto first = Start();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Start().status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Ask("/v1/echo", "1").ok());
}

TEST_F(ControlServerTest, FileOfSomebodyElseStays) {
  std::filesystem::create_directory(folder_ + "/run");
  std::ofstream(path_) << "theirs";
  EXPECT_EQ(Start().status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::filesystem::file_size(path_), 6u);
}

TEST_F(ControlServerTest, PathThatNoSocketCanHaveIsRefused) {
  path_ = folder_ + "/" + std::string(100, 'x');
  EXPECT_EQ(Start().status().code(), absl::StatusCode::kInvalidArgument);
  path_ = folder_ + "/not/there/socket";
  EXPECT_EQ(Start().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace netpol
