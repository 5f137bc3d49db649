// The status of a daemon for people.
#ifndef NETPOL_DAEMON_STATUS_FORM_H_
#define NETPOL_DAEMON_STATUS_FORM_H_

#include <string>

#include "proto/netpol/status.pb.h"

namespace netpol {

// The verdict on the first line, then the reasons, then how it stands. Several
// lines, with a line end.
std::string TextOf(const v1::DaemonStatus& status);

}  // namespace netpol

#endif  // NETPOL_DAEMON_STATUS_FORM_H_
