// A match or target of the kernel.
#ifndef NETPOL_DATAPLANE_HOST_KERNEL_EXTENSION_H_
#define NETPOL_DATAPLANE_HOST_KERNEL_EXTENSION_H_

#include <cstdint>
#include <string>

namespace netpol {

enum class ExtensionKind : uint8_t { kMatch, kTarget };

// As the kernel numbers its binary forms (linux/netfilter/xt_*.h,
// linux/netfilter_ipv4/ipt_REJECT.h).
struct KernelExtension {
  ExtensionKind kind = ExtensionKind::kMatch;
  std::string name;
  uint8_t revision = 0;
  // The kernel module that has it.
  std::string module;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_KERNEL_EXTENSION_H_
