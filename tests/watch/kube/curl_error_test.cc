// The words for what no test server does, or not at will.
#include "netpol/watch/kube/curl_error.h"

#include <curl/curl.h>
#include <errno.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

CurlFailure Failure(CURLcode code, const std::string& detail) {
  CurlFailure failure;
  failure.code = code;
  failure.detail = detail;
  failure.host_port = "192.0.2.1:6443";
  failure.checked_name = "192.0.2.1";
  failure.connect_timeout = absl::Seconds(30);
  return failure;
}

TEST(CurlErrorTest, SuccessIsNone) {
  EXPECT_TRUE(CurlError(Failure(CURLE_OK, "")).ok());
}

TEST(CurlErrorTest, SaysWhatTheKernelSays) {
  CurlFailure failure = Failure(CURLE_COULDNT_CONNECT, "after 3 ms");
  failure.os_error = EHOSTUNREACH;
  EXPECT_EQ(CurlError(failure),
            absl::UnavailableError(
                "cannot connect to 192.0.2.1:6443: No route to host"));
}

TEST(CurlErrorTest, SaysWhatTookTooLong) {
  EXPECT_EQ(CurlError(Failure(CURLE_OPERATION_TIMEDOUT,
                              "Resolving timed out after 30001 ms")),
            absl::DeadlineExceededError(
                "cannot connect to 192.0.2.1:6443 within 30s (the name server "
                "does not answer)"));
  EXPECT_EQ(CurlError(Failure(CURLE_OPERATION_TIMEDOUT,
                              "Connection timeout after 30001 ms")),
            absl::DeadlineExceededError(
                "cannot connect to 192.0.2.1:6443 within 30s"));
}

TEST(CurlErrorTest, LeavesOutNumbersOfStreams) {
  CurlFailure failure = Failure(
      CURLE_HTTP2_STREAM,
      "HTTP/2 stream 27 was not closed cleanly: INTERNAL_ERROR (err 2)");
  failure.has_head = true;
  EXPECT_EQ(CurlError(failure),
            absl::UnavailableError(
                "192.0.2.1:6443 closed the connection in the middle of the "
                "response: HTTP/2 stream was not closed cleanly: "
                "INTERNAL_ERROR (err 2)"));
}

TEST(CurlErrorTest, AlertsAboutOurCertificateAreUnauthenticated) {
  for (const char* alert :
       {"sslv3 alert bad certificate", "tlsv1 alert unknown ca",
        "sslv3 alert certificate expired", "sslv3 alert certificate revoked",
        "tlsv13 alert certificate required"}) {
    for (const CURLcode code : {CURLE_RECV_ERROR, CURLE_SSL_CONNECT_ERROR}) {
      const absl::Status status = CurlError(Failure(
          code, std::string("OpenSSL SSL_read: error:0A000412:SSL routines::") +
                    alert + ", errno 0"));
      EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << alert;
    }
  }
}

TEST(CurlErrorTest, WantedClientCertificateIsUnauthenticated) {
  const absl::Status status = CurlError(Failure(CURLE_SSL_CLIENTCERT, ""));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("192.0.2.1:6443 refuses our client certificate, or "
                        "wants one"));
}

TEST(CurlErrorTest, OtherAlertsAreNot) {
  const absl::Status status = CurlError(
      Failure(CURLE_SSL_CONNECT_ERROR,
              "error:0A00042E:SSL routines::tlsv1 alert protocol version"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no TLS connection with 192.0.2.1:6443"));
}

TEST(CurlErrorTest, EveryOtherErrorNamesTheServer) {
  for (int code = 1; code < CURL_LAST; ++code) {
    const absl::Status status =
        CurlError(Failure(static_cast<CURLcode>(code), ""));
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:6443"));
    EXPECT_NE(std::string(status.message()).back(), ' ');
  }
}

}  // namespace
}  // namespace netpol
