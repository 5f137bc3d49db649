#include "netpol/daemon/bounded_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace netpol {
namespace {

// Two ends of a connection.
class BoundedStreamTest : public testing::Test {
 protected:
  BoundedStreamTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0);
  }
  ~BoundedStreamTest() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  void Send(const std::string& text) const {
    EXPECT_EQ(send(ends_[1], text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  // Byte by byte until the end, as the library does.
  static std::string ReadAll(BoundedStream& stream) {
    std::string text;
    char byte;
    while (stream.read(&byte, 1) == 1) text += byte;
    return text;
  }

  int ends_[2];
};

TEST_F(BoundedStreamTest, ReadsWhatCame) {
  BoundedStream stream(ends_[0], StreamLimits());
  Send("hello");
  EXPECT_TRUE(stream.is_readable());
  shutdown(ends_[1], SHUT_WR);
  EXPECT_EQ(ReadAll(stream), "hello");
  EXPECT_EQ(stream.socket(), ends_[0]);
}

TEST_F(BoundedStreamTest, BytesBeyondTheLimitAreTheEnd) {
  StreamLimits limits;
  limits.request_bytes = 5000;
  BoundedStream stream(ends_[0], limits);
  Send(std::string(9000, 'x'));
  EXPECT_EQ(ReadAll(stream).size(), 5000u);
}

TEST_F(BoundedStreamTest, TimeForTheRequestEndsThoughBytesCome) {
  StreamLimits limits;
  limits.request = std::chrono::milliseconds(30);
  BoundedStream stream(ends_[0], limits);
  // Each byte is prompt; all of them are not.
  std::string text;
  char byte;
  int sent = 0;
  do {
    Send("x");
    ++sent;
  } while (stream.read(&byte, 1) == 1);
  EXPECT_GT(sent, 1);
  EXPECT_FALSE(stream.is_readable());
  EXPECT_TRUE(stream.is_writable());
}

TEST_F(BoundedStreamTest, ReaderWhoDoesNotReadEndsTheReply) {
  StreamLimits limits;
  limits.reply = std::chrono::milliseconds(30);
  BoundedStream stream(ends_[0], limits);
  const std::string block(100'000, 'x');
  size_t written = 0;
  while (true) {
    const ssize_t step = stream.write(block.data(), block.size());
    if (step < 0) break;
    written += static_cast<size_t>(step);
    ASSERT_LT(written, size_t{100'000'000});
  }
  EXPECT_FALSE(stream.is_writable());
}

}  // namespace
}  // namespace netpol
