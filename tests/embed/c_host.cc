#include "tests/embed/c_host.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/embed/kube_bytes.h"

namespace netpol {
namespace {

constexpr std::chrono::seconds kPatience(60);

}  // namespace

CHost::CHost(const std::function<void(netpol_options&)>& change) {
  netpol_options options = NETPOL_OPTIONS_INIT;
  options.node_name = "node-a";
  options.families = NETPOL_IPV4 | NETPOL_IPV6;
  // Where the tests look.
  options.iptables_backend = NETPOL_BACKEND_LEGACY;
  options.user = this;
  options.log = Log;
  options.health = Health;
  options.first_sync_done = FirstSyncDone;
  if (change) change(options);
  netpol_create(&options, &handle_);
}

CHost::~CHost() { netpol_destroy(handle_); }

netpol_code CHost::StartIn(const NetNs& ns) {
  netpol_code code = NETPOL_INTERNAL;
  const absl::Status ran = ns.Run([&] {
    code = netpol_start(handle_);
    return absl::OkStatus();
  });
  return ran.ok() ? code : NETPOL_INTERNAL;
}

netpol_code CHost::FeedSmallCluster() {
  for (const std::string& object :
       {NamespaceJson("web"), PodJson("web", "front", "node-a", "10.0.0.1"),
        PodProtobuf("web", "back", "node-b", "10.0.1.1"),
        PolicyJson("web", "allow", "front", "back")}) {
    const netpol_code code = Feed(NETPOL_UPSERT, object);
    if (code != NETPOL_OK) return code;
  }
  return ListAll();
}

netpol_code CHost::Feed(netpol_event event, const std::string& bytes) {
  return netpol_feed(handle_, event, bytes.data(), bytes.size());
}

netpol_code CHost::ListAll() {
  for (const netpol_kind kind :
       {NETPOL_NAMESPACE, NETPOL_POD, NETPOL_NODE, NETPOL_NETWORK_POLICY}) {
    const netpol_code code = netpol_listed(handle_, kind);
    if (code != NETPOL_OK) return code;
  }
  return NETPOL_OK;
}

bool CHost::AwaitNews(const std::function<bool()>& condition) {
  std::unique_lock<std::mutex> lock(mutex_);
  return news_.wait_for(lock, kPatience, condition);
}

bool CHost::AwaitFirstSync() {
  return AwaitNews([this] { return first_syncs_ > 0; });
}

bool CHost::AwaitHealthReason(absl::string_view part) {
  return AwaitNews([&] { return absl::StrContains(reasons_, part); });
}

bool CHost::AwaitEmptyPreview() {
  return Await([this] {
    char* plan = nullptr;
    return netpol_preview(handle_, NETPOL_TEXT, &plan) == NETPOL_OK &&
           TakeText(plan).empty();
  });
}

bool CHost::Await(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    // Not for timing: leaves the machine to others.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string CHost::Preview(netpol_form form) {
  char* plan = nullptr;
  netpol_preview(handle_, form, &plan);
  return TakeText(plan);
}

std::string CHost::Status() {
  char* status = nullptr;
  netpol_status(handle_, &status);
  return TakeText(status);
}

std::string CHost::LastError() { return TakeText(netpol_last_error(handle_)); }

void CHost::OnFirstSync(std::function<void()> work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  on_first_sync_ = std::move(work);
}

int CHost::first_syncs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_syncs_;
}

std::string CHost::log() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return log_;
}

void CHost::Log(void* user, int32_t level, const char* text) {
  auto* host = static_cast<CHost*>(user);
  const std::lock_guard<std::mutex> lock(host->mutex_);
  absl::StrAppend(&host->log_, level, " ", text, "\n");
  host->news_.notify_all();
}

void CHost::Health(void* user, int32_t alive, int32_t healthy, int32_t ready,
                   const char* reasons) {
  auto* host = static_cast<CHost*>(user);
  const std::lock_guard<std::mutex> lock(host->mutex_);
  absl::StrAppend(&host->reasons_, alive, healthy, ready, " ", reasons, "\n");
  host->news_.notify_all();
}

void CHost::FirstSyncDone(void* user) {
  auto* host = static_cast<CHost*>(user);
  std::function<void()> work;
  {
    const std::lock_guard<std::mutex> lock(host->mutex_);
    work = host->on_first_sync_;
  }
  if (work) work();
  const std::lock_guard<std::mutex> lock(host->mutex_);
  ++host->first_syncs_;
  host->news_.notify_all();
}

std::string TakeText(char* text) {
  if (text == nullptr) return "";
  std::string taken(text);
  netpol_free(text);
  return taken;
}

}  // namespace netpol
