// Between a kernel module's struct and the bytes of an Extension.
#ifndef NETPOL_DATAPLANE_LEGACY_EXTENSION_DATA_H_
#define NETPOL_DATAPLANE_LEGACY_EXTENSION_DATA_H_

#include <linux/netfilter/x_tables.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "netpol/dataplane/legacy/entry_parts.h"

namespace netpol {

// An Extension whose data is an all-zero `Info` after `fill(info)`.
template <typename Info, typename Fill>
Extension PackExtension(absl::string_view name, uint8_t revision, Fill fill) {
  static_assert(std::is_trivially_copyable<Info>::value, "a kernel struct");
  Info info;
  // Padding too: the kernel compares and hands back every byte.
  std::memset(&info, 0, sizeof(info));
  fill(info);
  Extension extension{std::string(name), revision};
  extension.data.assign(reinterpret_cast<const char*>(&info), sizeof(info));
  extension.data.resize(XT_ALIGN(sizeof(info)), '\0');
  return extension;
}

// The struct inside; `extension` must have been checked to hold an `Info`.
template <typename Info>
Info UnpackExtension(const Extension& extension) {
  Info info;
  std::memcpy(&info, extension.data.data(), sizeof(info));
  return info;
}

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_EXTENSION_DATA_H_
