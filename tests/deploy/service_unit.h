// What the systemd unit that we ship says.
#ifndef NETPOL_TESTS_DEPLOY_SERVICE_UNIT_H_
#define NETPOL_TESTS_DEPLOY_SERVICE_UNIT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

struct UnitSetting {
  std::string section;  // "Service"
  std::string key;
  std::string value;
};

// A file as systemd.syntax(7) has it, without continued lines.
class ServiceUnit {
 public:
  // netpol/daemon/deploy/netpolctl.service. InvalidArgument names a line that
  // is no setting.
  static absl::StatusOr<ServiceUnit> Read();

  const std::vector<UnitSetting>& settings() const { return settings_; }
  // Of [Service]: the only value of this key, and its words. Nothing if it is
  // not there, or more than once.
  std::string Value(absl::string_view key) const;
  std::vector<std::string> Words(absl::string_view key) const;
  // CapabilityBoundingSet without "CAP_".
  std::vector<std::string> Capabilities() const;
  // ExecStart with `flags` where it names their variable.
  std::vector<std::string> Command(const std::vector<std::string>& flags) const;
  // The flags that a comment shows for /etc/default/netpolctl.
  std::vector<std::string> ExampleFlags() const;

 private:
  ServiceUnit() = default;

  std::vector<UnitSetting> settings_;
  std::vector<std::string> comments_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEPLOY_SERVICE_UNIT_H_
