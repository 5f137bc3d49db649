#include "netpol/watch/kube/curl_error.h"

#include <openssl/x509_vfy.h>

#include <cstring>
#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

bool HasAny(absl::string_view text,
            std::initializer_list<absl::string_view> words) {
  for (const absl::string_view word : words) {
    if (absl::StrContains(text, word)) return true;
  }
  return false;
}

std::string Detail(const CurlFailure& failure) {
  // These words repeat the URL, password and all.
  if (absl::StartsWith(failure.detail, "Unsupported proxy")) {
    return "the URL of the proxy cannot be used (it begins with http://, "
           "https:// or socks5://)";
  }
  return failure.detail.empty() ? curl_easy_strerror(failure.code)
                                : failure.detail;
}

// Words that differ from one time to the next would look like news in a log.
std::string StableDetail(const CurlFailure& failure) {
  std::string detail = Detail(failure);
  constexpr absl::string_view kStream = "HTTP/2 stream ";
  if (absl::StartsWith(detail, kStream)) {
    const size_t end = detail.find(' ', kStream.size());
    if (end != std::string::npos) {
      detail.erase(kStream.size(), end - kStream.size() + 1);
    }
  }
  return detail;
}

absl::string_view SlowPhase(absl::string_view detail) {
  if (absl::StartsWith(detail, "Resolving")) {
    return " (the name server does not answer)";
  }
  return absl::StrContains(detail, "SSL") ? " (the TLS handshake hangs)" : "";
}

absl::Status CannotConnect(const CurlFailure& failure) {
  if (failure.os_error == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot connect to ", failure.host_port, ": ", Detail(failure)));
  }
  return absl::UnavailableError(absl::StrCat("cannot connect to ",
                                             failure.host_port, ": ",
                                             std::strerror(failure.os_error)));
}

// Why OpenSSL, or libcurl after it, does not take the server's certificate.
std::string CertificateFault(const CurlFailure& failure) {
  switch (failure.verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "it, or one that vouches for it, has expired (check the clocks of "
             "both machines)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "it, or one that vouches for it, is not yet valid (check the "
             "clocks of both machines)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return absl::StrCat(
          "it is signed by an unknown authority (set the right certificate "
          "authority): ",
          X509_verify_cert_error_string(failure.verify_result));
    default:
      break;
  }
  if (HasAny(failure.detail, {"subject name", "does not match"})) {
    return absl::StrCat("it is not for the name ", failure.checked_name,
                        " (use a name or address that is in it, or set the TLS "
                        "server name)");
  }
  return Detail(failure);
}

absl::Status ClientCertificateRefused(const CurlFailure& failure) {
  return absl::UnauthenticatedError(absl::StrCat(
      failure.host_port,
      " refuses our client certificate, or wants one: ", Detail(failure)));
}

absl::Status Closed(const CurlFailure& failure) {
  return absl::UnavailableError(absl::StrCat(
      failure.host_port, " closed the connection ",
      failure.has_head ? "in the middle of the response" : "without an answer",
      ": ", StableDetail(failure)));
}

// A failed handshake, read or write: only the words of OpenSSL tell them apart.
absl::Status ConnectionError(const CurlFailure& failure) {
  const std::string& detail = failure.detail;
  if (HasAny(detail, {" alert "}) &&
      HasAny(detail, {"bad certificate", "certificate required", "unknown ca",
                      "certificate expired", "certificate revoked",
                      "certificate unknown", "unsupported certificate",
                      "access denied"})) {
    return ClientCertificateRefused(failure);
  }
  if (HasAny(detail, {"wrong version number", "packet length too long",
                      "http request", "unknown protocol"})) {
    return absl::UnavailableError(absl::StrCat(
        failure.host_port,
        " does not speak TLS on this port (a wrong port, or plain http): ",
        detail));
  }
  if (HasAny(detail, {"CONNECT tunnel", "Proxy CONNECT", "from proxy"})) {
    return absl::UnavailableError(absl::StrCat(
        "the proxy does not connect to ", failure.host_port, ": ", detail));
  }
  if (failure.code == CURLE_SSL_CONNECT_ERROR) {
    return absl::UnavailableError(absl::StrCat(
        "no TLS connection with ", failure.host_port, ": ", Detail(failure)));
  }
  return Closed(failure);
}

absl::Status CertificateError(const CurlFailure& failure) {
  switch (failure.code) {
    case CURLE_SSL_CACERT_BADFILE:
      return absl::UnauthenticatedError(
          absl::StrCat("the certificate authority for ", failure.host_port,
                       " cannot be read: ", Detail(failure)));
    case CURLE_SSL_CERTPROBLEM:
      return absl::UnauthenticatedError(
          absl::StrCat("our client certificate for ", failure.host_port,
                       " or its key cannot be used: ", Detail(failure)));
    case CURLE_SSL_CLIENTCERT:
      return ClientCertificateRefused(failure);
    default:
      return absl::UnauthenticatedError(
          absl::StrCat("the certificate of ", failure.host_port,
                       " is not accepted: ", CertificateFault(failure)));
  }
}

}  // namespace

absl::Status CurlError(const CurlFailure& failure) {
  switch (failure.code) {
    case CURLE_OK:
      return absl::OkStatus();
    case CURLE_COULDNT_RESOLVE_HOST:
      return absl::UnavailableError(absl::StrCat(
          "cannot connect to ", failure.host_port, ": no such host"));
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return absl::UnavailableError(
          absl::StrCat("cannot connect to ", failure.host_port,
                       " through the proxy: ", Detail(failure)));
    case CURLE_COULDNT_CONNECT:
      return CannotConnect(failure);
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(
          absl::StrCat("cannot connect to ", failure.host_port, " within ",
                       absl::FormatDuration(failure.connect_timeout),
                       SlowPhase(failure.detail)));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CLIENTCERT:
      return CertificateError(failure);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return ConnectionError(failure);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return Closed(failure);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return absl::UnavailableError(
          absl::StrCat(failure.host_port,
                       " does not answer in HTTP (a wrong port, or https): ",
                       Detail(failure)));
    default:
      return absl::UnavailableError(absl::StrCat(
          "request to ", failure.host_port, " failed: ", Detail(failure)));
  }
}

}  // namespace netpol
