// What this process takes of the machine.
#ifndef NETPOL_DAEMON_PROCESS_USAGE_H_
#define NETPOL_DAEMON_PROCESS_USAGE_H_

namespace netpol {

// As Prometheus' own clients measure it; 0 for what /proc does not say.
struct ProcessUsage {
  double cpu_seconds = 0;    // user and system, of all threads
  double start_seconds = 0;  // since the Unix epoch
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double threads = 0;
  double open_fds = 0;
  double max_fds = 0;
};

// Reads /proc/self. Thread-safe.
ProcessUsage ReadProcessUsage();

}  // namespace netpol

#endif  // NETPOL_DAEMON_PROCESS_USAGE_H_
