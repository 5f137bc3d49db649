// One reading of a legacy table `filter`, to be edited in memory and written
// back: libiptc for both families behind one class.
#ifndef NETPOL_DATAPLANE_LEGACY_IPTC_HANDLE_H_
#define NETPOL_DATAPLANE_LEGACY_IPTC_HANDLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

struct xtc_handle;

namespace netpol {

struct IptcFunctions;

// A rule inside a handle; valid until the handle's next change.
struct EntryView {
  const void* entry = nullptr;  // struct ipt_entry or ip6t_entry
  absl::string_view target;     // verdict, chain, module, or empty
};

// Positions count from 0. Errors name the chain and the step; a handle that
// returned one from a change is to be dropped, not committed. Thread-compatible
// by itself, but libiptc remembers its last operation in a global variable, so
// that an error's text may be another thread's.
class IptcHandle {
 public:
  // Reads the table of the thread's network namespace. Unimplemented if the
  // kernel has none, PermissionDenied without CAP_NET_ADMIN. Another `table`
  // than filter is only to be looked at.
  static absl::StatusOr<IptcHandle> Open(Family family,
                                         const std::string& table = "filter");

  Family family() const { return family_; }

  std::vector<std::string> Chains() const;
  bool HasChain(const std::string& chain) const;
  bool IsBuiltin(const std::string& chain) const;
  // The rules of `chain`, which must exist.
  std::vector<EntryView> Rules(const std::string& chain) const;
  // How many rules jump or go to `chain`.
  absl::StatusOr<unsigned int> References(const std::string& chain) const;

  absl::Status CreateChain(const std::string& chain);
  absl::Status FlushChain(const std::string& chain);
  // `chain` must be empty and without references.
  absl::Status DeleteChain(const std::string& chain);
  // `entry` as Assemble makes it; at most the chain's length.
  absl::Status InsertAt(const std::string& chain, unsigned int position,
                        const std::string& entry);
  absl::Status DeleteAt(const std::string& chain, unsigned int position);

  // Replaces the kernel's table and carries all counters over; only what the
  // built-in chains' own verdicts count between Open() and here is lost. 0, or
  // the errno with which it was refused as a whole; EAGAIN if the table changed
  // meanwhile in a way that the kernel notices.
  int Commit();
  // libiptc's words for the errno of the operation just tried.
  absl::string_view Explain(int error) const;

 private:
  struct Free {
    const IptcFunctions* functions = nullptr;
    void operator()(xtc_handle* handle) const;
  };

  IptcHandle(Family family, const IptcFunctions* functions, xtc_handle* handle);

  // OK for a libiptc result of true, otherwise errno in words.
  absl::Status Check(int result, absl::string_view step,
                     const std::string& chain) const;

  Family family_;
  const IptcFunctions* functions_;
  std::unique_ptr<xtc_handle, Free> handle_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_IPTC_HANDLE_H_
