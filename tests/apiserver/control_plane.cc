#include "tests/apiserver/control_plane.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "httplib.h"
#include "netpol/base/status_macros.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/api_connection.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/apiserver/presented_certificate.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

// On a busy machine with two cores.
constexpr absl::Duration kStartLimit = absl::Seconds(120);
constexpr absl::Duration kStopLimit = absl::Seconds(90);
// The server looks at its files each minute, should it miss a change.
constexpr absl::Duration kRotationLimit = absl::Seconds(150);
constexpr absl::Duration kValidity = absl::Hours(24);
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);

absl::StatusOr<std::string> MakeFolder() {
  const char* const place = getenv("TEST_TMPDIR");
  std::string pattern =
      absl::StrCat(place == nullptr ? "/tmp" : place, "/control-plane.XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr)
    return absl::ErrnoToStatus(errno, absl::StrCat("making ", pattern));
  return pattern;
}

std::string RandomToken() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i)
    absl::StrAppend(&token, absl::Hex(random(), absl::kZeroPad8));
  return token;
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string TailOf(const std::string& path) {
  constexpr size_t kBytes = 4000;
  const std::string text = ReadWholeFile(path);
  return absl::StrCat(
      "the end of ", path, ":\n",
      text.size() > kBytes ? text.substr(text.size() - kBytes) : text);
}

// Asks `is_ready` again and again. Aborted, with the end of its log, if the
// program ends meanwhile.
absl::Status AwaitReady(NodeProcess& process, const std::string& name,
                        const std::string& log,
                        const std::function<absl::Status()>& is_ready) {
  const absl::Time deadline = absl::Now() + kStartLimit;
  absl::Status last;
  do {
    const absl::StatusOr<int> ended = process.Wait(kPollInterval);
    if (ended.ok()) {
      return absl::AbortedError(absl::StrCat(name, " ended with exit code ",
                                             *ended, "; ", TailOf(log)));
    }
    last = is_ready();
    if (last.ok()) return absl::OkStatus();
  } while (absl::Now() < deadline);
  return absl::DeadlineExceededError(absl::StrCat(
      name, " is not ready after ", absl::FormatDuration(kStartLimit), ": ",
      last.message(), "; ", TailOf(log)));
}

// One line of the file of --token-auth-file.
std::string TokenLine(const TokenUser& user) {
  return absl::StrCat(user.token, ",", user.name, ",", user.name, ",\"",
                      absl::StrJoin(user.groups, ","), "\"\n");
}

void KeepLog(const std::string& log) {
  const char* const outputs = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (outputs == nullptr) return;
  // Several may have lived in one test program.
  const fs::path file(log);
  std::error_code ignored;
  fs::copy_file(
      file,
      fs::path(outputs) / absl::StrCat(file.parent_path().filename().string(),
                                       "-", file.filename().string()),
      fs::copy_options::overwrite_existing, ignored);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControlPlane>> ControlPlane::Start(
    const ControlPlaneOptions& options) {
  ASSIGN_OR_RETURN(ControlPlanePrograms programs, FindControlPlanePrograms());
  const NetNs here = NetNs::OfCaller();
  const NetNs& ns = options.ns == nullptr ? here : *options.ns;
  ASSIGN_OR_RETURN(ReservedPort etcd_port, ReservedPort::Create(ns));
  ASSIGN_OR_RETURN(ReservedPort peer_port, ReservedPort::Create(ns));
  ASSIGN_OR_RETURN(ReservedPort server_port, ReservedPort::Create(ns));
  ASSIGN_OR_RETURN(std::string folder, MakeFolder());
  std::unique_ptr<ControlPlane> control_plane(new ControlPlane(
      options, std::move(programs), std::move(folder), std::move(etcd_port),
      std::move(peer_port), std::move(server_port)));
  RETURN_IF_ERROR(control_plane->WriteFiles());
  RETURN_IF_ERROR(control_plane->StartEtcd());
  RETURN_IF_ERROR(control_plane->StartServer());
  return control_plane;
}

ControlPlane::ControlPlane(ControlPlaneOptions options,
                           ControlPlanePrograms programs, std::string folder,
                           ReservedPort etcd_port, ReservedPort peer_port,
                           ReservedPort server_port)
    : options_(std::move(options)),
      programs_(std::move(programs)),
      folder_(std::move(folder)),
      etcd_port_(std::move(etcd_port)),
      peer_port_(std::move(peer_port)),
      server_port_(std::move(server_port)),
      serving_("serving-ca"),
      clients_("client-ca"),
      admin_token_(RandomToken()) {}

ControlPlane::~ControlPlane() {
  if (server_ != nullptr && server_->Wait(absl::ZeroDuration()).ok())
    std::cerr << "kube-apiserver ended by itself; " << ServerLogTail() << "\n";
  // The server first: it would complain about a missing etcd.
  server_.reset();
  etcd_.reset();
  KeepLog(EtcdLog());
  KeepLog(ServerLog());
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

const NetNs& ControlPlane::ns() const {
  return options_.ns == nullptr ? here_ : *options_.ns;
}

std::string ControlPlane::url() const {
  return absl::StrCat("https://127.0.0.1:", port());
}

ApiAccess ControlPlane::AccessWith(absl::string_view token) const {
  ApiAccess access;
  access.port = port();
  access.ca_file = ca_file();
  access.token = std::string(token);
  access.ns = options_.ns;
  return access;
}

TestCertificate ControlPlane::ClientCertificate(
    const std::string& user, const std::vector<std::string>& groups) const {
  TestCertificateOptions options;
  options.common_name = user;
  options.organizations = groups;
  options.to = kValidity;
  return clients_.Issue(options);
}

std::vector<std::string> ControlPlane::EtcdCommand() const {
  const std::string clients =
      absl::StrCat("http://127.0.0.1:", etcd_port_.number());
  const std::string peers =
      absl::StrCat("http://127.0.0.1:", peer_port_.number());
  std::vector<std::string> command = {
      programs_.etcd,
      absl::StrCat("--data-dir=", folder_, "/etcd"),
      absl::StrCat("--listen-client-urls=", clients),
      absl::StrCat("--advertise-client-urls=", clients),
      absl::StrCat("--listen-peer-urls=", peers),
      absl::StrCat("--initial-advertise-peer-urls=", peers),
      absl::StrCat("--initial-cluster=default=", peers),
      "--unsafe-no-fsync=true",
      "--log-level=warn"};
  command.insert(command.end(), options_.etcd_flags.begin(),
                 options_.etcd_flags.end());
  return command;
}

std::vector<std::string> ControlPlane::ServerCommand() const {
  std::vector<std::string> command = {
      programs_.kube_apiserver,
      absl::StrCat("--etcd-servers=http://127.0.0.1:", etcd_port_.number()),
      "--bind-address=127.0.0.1", absl::StrCat("--secure-port=", port()),
      // Without a default route the server finds no address by itself.
      "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
      absl::StrCat("--cert-dir=", folder_),
      absl::StrCat("--tls-cert-file=", folder_, "/serving.crt"),
      absl::StrCat("--tls-private-key-file=", folder_, "/serving.key"),
      absl::StrCat("--client-ca-file=", folder_, "/client-ca.crt"),
      absl::StrCat("--token-auth-file=", folder_, "/tokens.csv"),
      absl::StrCat("--authorization-mode=", options_.authorization_mode),
      "--service-cluster-ip-range=10.96.0.0/16",
      absl::StrCat("--service-account-issuer=", url(), "/"),
      absl::StrCat("--service-account-key-file=", folder_, "/accounts.crt"),
      absl::StrCat("--service-account-signing-key-file=", folder_,
                   "/accounts.key"),
      // There is no controller to make a service account for each namespace.
      "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"};
  command.insert(command.end(), options_.server_flags.begin(),
                 options_.server_flags.end());
  return command;
}

absl::Status ControlPlane::WriteFiles() {
  const TestCertificate accounts = ClientCertificate("service-accounts", {});
  RETURN_IF_ERROR(
      ReplaceFile(folder_ + "/client-ca.crt", clients_.certificate()));
  RETURN_IF_ERROR(ReplaceFile(folder_ + "/accounts.crt", accounts.certificate));
  RETURN_IF_ERROR(ReplaceFile(folder_ + "/accounts.key", accounts.key));
  RETURN_IF_ERROR(SetUsers(options_.users));
  return IssueServingCertificate();
}

absl::Status ControlPlane::SetUsers(const std::vector<TokenUser>& users) {
  std::string lines = TokenLine({"admin", admin_token_, {"system:masters"}});
  for (const TokenUser& user : users) lines += TokenLine(user);
  return ReplaceFile(folder_ + "/tokens.csv", lines);
}

void ControlPlane::SetServerFlags(std::vector<std::string> flags) {
  options_.server_flags = std::move(flags);
}

absl::Status ControlPlane::StartEtcd() {
  Program program;
  program.argv = EtcdCommand();
  ASSIGN_OR_RETURN(etcd_, NodeProcess::Start(ns(), program, EtcdLog()));
  return AwaitReady(*etcd_, "etcd", EtcdLog(), [this] {
    return AskEtcd("/v3/maintenance/status", "{}").status();
  });
}

absl::StatusOr<std::string> ControlPlane::AskEtcd(
    const std::string& path, const std::string& body) const {
  std::string answer;
  RETURN_IF_ERROR(ns().Run([&]() -> absl::Status {
    httplib::Client client("127.0.0.1", etcd_port_.number());
    const httplib::Result result = client.Post(path, body, "application/json");
    if (result && result->status == 200) {
      answer = result->body;
      return absl::OkStatus();
    }
    return absl::UnavailableError(absl::StrCat(
        "etcd: POST ", path, ": ",
        result ? result->body : httplib::to_string(result.error())));
  }));
  return answer;
}

absl::Status ControlPlane::CompactHistory() {
  ASSIGN_OR_RETURN(const std::string status,
                   AskEtcd("/v3/maintenance/status", "{}"));
  const auto parsed = nlohmann::json::parse(status, nullptr, false);
  const auto revision = nlohmann::json::json_pointer("/header/revision");
  if (!parsed.contains(revision) || !parsed[revision].is_string())
    return absl::InternalError("etcd tells no revision: " + status);
  const nlohmann::json request = {{"revision", parsed[revision]},
                                  {"physical", true}};
  return AskEtcd("/v3/kv/compaction", request.dump()).status();
}

absl::Status ControlPlane::StartServer() {
  if (server_ != nullptr)
    return absl::FailedPreconditionError("kube-apiserver runs already");
  Program program;
  program.argv = ServerCommand();
  ASSIGN_OR_RETURN(server_, NodeProcess::Start(ns(), program, ServerLog()));
  ApiConnection connection(AdminAccess());
  const absl::Status ready =
      AwaitReady(*server_, "kube-apiserver", ServerLog(), [&] {
        const absl::StatusOr<ApiResponse> answer =
            connection.Send({.target = "/readyz"});
        return answer.ok() ? StatusOf(*answer, "/readyz") : answer.status();
      });
  if (!ready.ok()) server_.reset();
  return ready;
}

absl::Status ControlPlane::EndServer(int signal) {
  if (server_ == nullptr)
    return absl::FailedPreconditionError("kube-apiserver does not run");
  kill(server_->pid(), signal);
  const absl::Status ended = server_->Wait(kStopLimit).status();
  server_.reset();
  return Annotate(ended, "stopping kube-apiserver");
}

absl::Status ControlPlane::StopServer() { return EndServer(SIGTERM); }

absl::Status ControlPlane::KillServer() { return EndServer(SIGKILL); }

absl::Status ControlPlane::RestartServer() {
  RETURN_IF_ERROR(StopServer());
  return StartServer();
}

absl::Status ControlPlane::PauseServer() {
  if (server_ == nullptr || kill(server_->pid(), SIGSTOP) != 0)
    return absl::FailedPreconditionError("no kube-apiserver to pause");
  // Until none of its threads runs any more.
  siginfo_t ignored;
  const auto id = static_cast<id_t>(server_->pid());
  if (waitid(P_PID, id, &ignored, WSTOPPED | WEXITED | WNOWAIT) != 0)
    return absl::ErrnoToStatus(errno, "pausing kube-apiserver");
  return absl::OkStatus();
}

absl::Status ControlPlane::ResumeServer() {
  if (server_ != nullptr && kill(server_->pid(), SIGCONT) == 0)
    return absl::OkStatus();
  return absl::FailedPreconditionError("no kube-apiserver to resume");
}

absl::Status ControlPlane::IssueServingCertificate() {
  TestCertificateOptions options;
  options.common_name = "kube-apiserver";
  options.addresses = {"127.0.0.1"};
  options.dns_names = {"localhost", "kubernetes.default.svc"};
  options.to = kValidity;
  const TestCertificate pair = serving_.Issue(options);
  serving_certificate_ = pair.certificate;
  RETURN_IF_ERROR(ReplaceFile(ca_file(), serving_.certificate()));
  RETURN_IF_ERROR(ReplaceFile(folder_ + "/serving.key", pair.key));
  return ReplaceFile(folder_ + "/serving.crt", pair.certificate);
}

absl::Status ControlPlane::AwaitServingCertificate() {
  const absl::Time deadline = absl::Now() + kRotationLimit;
  while (absl::Now() < deadline) {
    std::string presented;
    RETURN_IF_ERROR(ns().Run([&]() -> absl::Status {
      ASSIGN_OR_RETURN(presented, PresentedCertificate(port()));
      return absl::OkStatus();
    }));
    if (presented == serving_certificate_) return absl::OkStatus();
    const absl::StatusOr<int> ended = server_->Wait(kPollInterval);
    if (ended.ok()) break;
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "kube-apiserver did not take its new certificate; ", ServerLogTail()));
}

absl::Status ControlPlane::RotateServingCertificate() {
  RETURN_IF_ERROR(IssueServingCertificate());
  return server_ == nullptr ? absl::OkStatus() : AwaitServingCertificate();
}

absl::Status ControlPlane::RotateServingAuthority() {
  serving_ = TestAuthority("serving-ca");
  return RotateServingCertificate();
}

std::string ControlPlane::ServerLogTail() const { return TailOf(ServerLog()); }

}  // namespace netpol
