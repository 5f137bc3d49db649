// A host of the C library, as a test needs it.
#ifndef NETPOL_TESTS_EMBED_C_HOST_H_
#define NETPOL_TESTS_EMBED_C_HOST_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/capi/netpol.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// One handle, for node-a and both families, whose callbacks are recorded here.
// Thread-safe.
class CHost {
 public:
  // `change` may set options before the handle is made; a null handle() then
  // means that they were refused.
  explicit CHost(const std::function<void(netpol_options&)>& change = {});
  ~CHost();  // Destroys the handle.
  CHost(const CHost&) = delete;
  CHost& operator=(const CHost&) = delete;

  netpol_handle* handle() const { return handle_; }

  netpol_code StartIn(const NetNs& ns);
  // Namespace "web" with pods front (10.0.0.1, of node-a) and back (10.0.1.1,
  // of node-b), of which only back may reach front; then LISTED of all kinds.
  // The first error ends it.
  netpol_code FeedSmallCluster();
  netpol_code Feed(netpol_event event, const std::string& bytes);
  netpol_code ListAll();

  // All wait for as long as a slow machine may need; false if it did not come.
  bool AwaitFirstSync();
  // A health verdict came whose reasons have `part`.
  bool AwaitHealthReason(absl::string_view part);
  // What the next sync would do is nothing, after all that was fed.
  bool AwaitEmptyPreview();
  // Asks again and again.
  static bool Await(const std::function<bool()>& condition);

  // "" if the call failed.
  std::string Preview(netpol_form form = NETPOL_TEXT);
  std::string Status();
  std::string LastError();

  // Called on the library's thread when the first sync is done.
  void OnFirstSync(std::function<void()> work);

  int first_syncs() const;
  std::string log() const;  // all lines so far

 private:
  static void Log(void* user, int32_t level, const char* text);
  static void Health(void* user, int32_t alive, int32_t healthy, int32_t ready,
                     const char* reasons);
  static void FirstSyncDone(void* user);

  bool AwaitNews(const std::function<bool()>& condition);

  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::string log_;
  std::string reasons_;  // of all verdicts
  int first_syncs_ = 0;
  std::function<void()> on_first_sync_;
  netpol_handle* handle_ = nullptr;
};

// The library's answer as a string, and freed; "" for none.
std::string TakeText(char* text);

}  // namespace netpol

#endif  // NETPOL_TESTS_EMBED_C_HOST_H_
