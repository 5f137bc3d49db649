// The command line as it was written: strings that nobody has judged yet.
#ifndef NETPOL_DAEMON_FLAGS_H_
#define NETPOL_DAEMON_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace netpol {

enum class CommandKind {
  kRun,
  kApply,
  kPlan,
  kShow,
  kCleanup,
  kCheck,
  kExplain,
  kStatus,
  kVersion,
};

// Values are those of the flags of the same names, defaults included; a command
// leaves the flags that it does not have at their defaults. options.h turns
// them into what the controller takes.
struct Flags {
  CommandKind command = CommandKind::kVersion;

  // run: one of these three kinds of source.
  std::vector<std::string> manifests;
  std::string kubeconfig;
  std::string master;
  std::string cache_sync_timeout = "1m0s";
  // Controllers of kube-router that there are not here.
  bool run_firewall = true;
  bool run_router = false;
  bool run_service_proxy = false;

  // run: HTTP. An empty address is every one; port 0 is none.
  std::string health_addr;
  int health_port = 20244;
  std::string metrics_addr;
  int metrics_port = 0;
  std::string metrics_path = "/metrics";

  std::string run_lock = "/run/netpol/netpolctl.lock";

  std::string hostname_override;
  bool enable_ipv4 = true;
  bool enable_ipv6 = false;
  std::vector<std::string> service_cluster_ip_range;  // empty: 10.96.0.0/12
  std::vector<std::string> service_external_ip_range;
  std::vector<std::string> loadbalancer_ip_range;
  std::string service_node_port_range = "30000-32767";
  std::string iptables_sync_period = "5m0s";
  std::string netpol_allow_mark = "0x10000";
  std::string netpol_pass_mark = "0x20000";
  std::string icmp = "kube-router";
  bool netpol_default_deny = false;
  std::string iptables_lock_timeout = "10s";
  std::string iptables_backend = "auto";

  std::string output = "text";
  int verbosity = 0;
  std::string log_format = "text";
  bool dry_run = false;
  bool force = false;

  std::string cleanup_mode = "complete";
  // run: clean up, and end; clean up, and enforce nothing.
  bool cleanup_config = false;
  bool disable_network_policy = false;

  // explain: the question.
  std::string from;
  std::string to;
  std::string protocol = "TCP";
  uint32_t port = 0;  // 0: every port
  std::string control_socket = "/run/netpol/netpolctl.sock";
};

// "apply", as on the command line.
const char* CommandName(CommandKind command);

}  // namespace netpol

#endif  // NETPOL_DAEMON_FLAGS_H_
