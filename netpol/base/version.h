// Which version this is.
#ifndef NETPOL_BASE_VERSION_H_
#define NETPOL_BASE_VERSION_H_

namespace netpol {

inline constexpr char kNetpolVersion[] = "0.1.0";

}  // namespace netpol

#endif  // NETPOL_BASE_VERSION_H_
