#include "netpol/daemon/command_line.h"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"

namespace netpol {
namespace {

constexpr char kExitCodes[] =
    "Exit codes:\n"
    "  0   done, or nothing to do\n"
    "  1   an error, or done in part; stderr says what and why; explain: the\n"
    "      kernel does not do what the policies say; status: unhealthy\n"
    "  2   plan, cleanup --dry-run: something would change\n"
    "  64  the command line is wrong";

constexpr char kBackendToRead[] =
    "Flavour of iptables to look at; auto: where there are rules of ours, else "
    "the one that run would take";

void AddList(CLI::App* app, const std::string& name,
             std::vector<std::string>& values, const std::string& help) {
  app->add_option(name, values, help)->allow_extra_args(false);
}

CLI::Option* AddManifests(CLI::App* app, Flags& flags) {
  return app
      ->add_option("--manifests", flags.manifests,
                   "File or folder of Kubernetes objects (namespaces, pods, "
                   "network policies) in YAML or JSON; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->type_name("PATH");
}

void AddOutput(CLI::App* app, Flags& flags) {
  app->add_option("--output,-o", flags.output,
                  "How results are printed: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void AddVerbosity(CLI::App* app, Flags& flags) {
  app->add_option("-v,--v", flags.verbosity,
                  "Log level: at 0, one line for each thing that was done or "
                  "went wrong, errors that repeat once a minute; 1 and above "
                  "add what was looked at and needed nothing")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--log-format", flags.log_format,
                  "Lines of the log: text (time, level, message) or json (an "
                  "object with ts, level, msg)")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void AddFamilies(CLI::App* app, Flags& flags) {
  app->add_flag("--enable-ipv4", flags.enable_ipv4,
                "Enforce for IPv4; on unless --enable-ipv4=false");
  app->add_flag("--enable-ipv6", flags.enable_ipv6,
                "Enforce for IPv6; off unless given");
}

void AddBackend(CLI::App* app, Flags& flags, const std::string& help) {
  app->add_option("--iptables-backend", flags.iptables_backend, help)
      ->check(CLI::IsMember({"auto", "legacy", "nft"}))
      ->capture_default_str();
}

void AddLockTimeout(CLI::App* app, Flags& flags) {
  app->add_option("--iptables-lock-timeout", flags.iptables_lock_timeout,
                  "How long a write waits for the xtables lock that other "
                  "programs may hold, like 10s")
      ->capture_default_str();
}

void AddRunLock(CLI::App* app, Flags& flags) {
  app->add_option("--run-lock", flags.run_lock,
                  "File whose lock the one daemon of a node holds")
      ->capture_default_str();
}

void AddServiceRanges(CLI::App* app, Flags& flags) {
  AddList(app, "--service-cluster-ip-range", flags.service_cluster_ip_range,
          "CIDRs of service cluster addresses, which egress from a pod of this "
          "node is not judged by; comma list or repeated, at most two "
          "[10.96.0.0/12]");
  AddList(
      app, "--service-external-ip-range", flags.service_external_ip_range,
      "CIDRs of external service addresses, treated likewise; comma list or "
      "repeated");
  AddList(app, "--loadbalancer-ip-range", flags.loadbalancer_ip_range,
          "CIDRs of load balancer addresses, treated likewise; comma list or "
          "repeated");
  app->add_option("--service-node-port-range", flags.service_node_port_range,
                  "Node ports of services, FIRST-LAST or FIRST:LAST")
      ->capture_default_str();
}

void AddControlSocket(CLI::App* app, Flags& flags, const std::string& help) {
  app->add_option("--control-socket", flags.control_socket, help)
      ->capture_default_str();
}

// plan takes all that apply takes, so that one line serves for both.
void AddEnforcement(CLI::App* app, Flags& flags,
                    const std::string& node_option = "--hostname-override") {
  app->add_option(node_option, flags.hostname_override,
                  "Name of this node's Node object; else NODE_NAME of the "
                  "environment, else the host name");
  AddFamilies(app, flags);
  AddServiceRanges(app, flags);
  app->add_option("--netpol-allow-mark", flags.netpol_allow_mark,
                  "Packet mark bit of packets that a policy allows, "
                  "hexadecimal")
      ->capture_default_str();
  app->add_option("--netpol-pass-mark", flags.netpol_pass_mark,
                  "Packet mark bit of packets that were judged and pass, "
                  "hexadecimal")
      ->capture_default_str();
  app->add_flag("--netpol-default-deny", flags.netpol_default_deny,
                "Refuse new connections from and to addresses of this node's "
                "pod CIDRs until the pod's rules are in place; needs the Node "
                "object with spec.podCIDRs or the annotation "
                "kube-router.io/pod-cidrs");
  app->add_option("--icmp", flags.icmp,
                  "kube-router: echo requests and ICMP errors always pass; "
                  "policy: ICMP is judged as any protocol")
      ->capture_default_str();
  AddBackend(app, flags,
             "Flavour of iptables to enforce in: legacy or nft; auto: that of "
             "the host's kubelet and kube-proxy, as netpolctl check explains");
  AddLockTimeout(app, flags);
}

CLI::App* AddCommand(CLI::App& app, Flags& flags, CommandKind command,
                     const std::string& help) {
  CLI::App* added = app.add_subcommand(CommandName(command), help);
  added->callback([&flags, command] { flags.command = command; });
  added->footer(kExitCodes);
  return added;
}

void AddExplain(CLI::App& app, Flags& flags) {
  CLI::App* explain = AddCommand(
      app, flags, CommandKind::kExplain,
      "Explain why a connection is allowed or denied: by which policy and rule "
      "on which side, and by which rule of the kernel; with --manifests from "
      "these alone, else on this node, where the daemon must run");
  explain
      ->add_option("FROM", flags.from,
                   "Who connects: a pod as namespace/name, an address, or "
                   "node for this node")
      ->required();
  explain->add_option("TO", flags.to, "To whom, likewise")->required();
  explain
      ->add_option("--protocol", flags.protocol,
                   "tcp, udp, sctp, or icmp for an echo request")
      ->check(CLI::IsMember({"tcp", "udp", "sctp", "icmp"}, CLI::ignore_case))
      ->capture_default_str();
  explain
      ->add_option("--port", flags.port,
                   "Destination port; without it every port is asked for")
      ->check(CLI::Range(1, 65535));
  AddManifests(explain, flags)->required(false);
  AddEnforcement(explain, flags, "--hostname-override,--node");
  AddControlSocket(explain, flags, "Socket on which the daemon answers");
  AddOutput(explain, flags);
  // What is asked of manifests is seldom about one family.
  explain->get_option("--enable-ipv6")
      ->description("Explain for IPv6; on unless --enable-ipv6=false");
  explain->parse_complete_callback([explain, &flags] {
    // Of a cluster with both families, whatever one node enforces.
    if (explain->count("--enable-ipv6") == 0) flags.enable_ipv6 = true;
  });
}

void AddStatus(CLI::App& app, Flags& flags) {
  CLI::App* status = AddCommand(
      app, flags, CommandKind::kStatus,
      "Show how it stands with this node's daemon: healthy or why not, what it "
      "follows, what waits, how much there is");
  AddControlSocket(status, flags, "Socket on which the daemon answers");
  AddOutput(status, flags);
}

void AddReaders(CLI::App& app, Flags& flags) {
  CLI::App* plan = AddCommand(app, flags, CommandKind::kPlan,
                              "Show what apply would change");
  AddManifests(plan, flags);
  AddEnforcement(plan, flags);
  AddOutput(plan, flags);
  CLI::App* show = AddCommand(
      app, flags, CommandKind::kShow,
      "Show our chains, rules and sets in the kernel, and whose they are");
  AddBackend(show, flags, kBackendToRead);
  AddOutput(show, flags);
  CLI::App* check =
      AddCommand(app, flags, CommandKind::kCheck,
                 "Look whether this kernel has what enforcement needs");
  AddFamilies(check, flags);
  AddBackend(check, flags,
             "Flavour of iptables to check; auto: the one that run would take");
  AddOutput(check, flags);
  CLI::App* version =
      AddCommand(app, flags, CommandKind::kVersion, "Show the version");
  AddOutput(version, flags);
}

// Where `run` has its objects from, as kube-router names it.
void AddSource(CLI::App* run, Flags& flags) {
  CLI::Option* manifests = AddManifests(run, flags)->required(false);
  run->add_option("--kubeconfig", flags.kubeconfig,
                  "Kubeconfig file of the cluster to follow; without it and "
                  "--master and --manifests: $KUBECONFIG, else the service "
                  "account of the pod that this runs in, else ~/.kube/config")
      ->excludes(manifests)
      ->type_name("PATH");
  run->add_option("--master", flags.master,
                  "URL of the API server, instead of the kubeconfig's")
      ->excludes(manifests)
      ->type_name("URL");
  run->add_option("--cache-sync-timeout", flags.cache_sync_timeout,
                  "How long listing all objects, and the wait for this node's "
                  "Node object, may take before /healthz says so, like 1m0s; "
                  "it goes on after that")
      ->capture_default_str();
  for (const auto& [name, value] :
       {std::pair<const char*, bool*>("--run-firewall", &flags.run_firewall),
        {"--run-router", &flags.run_router},
        {"--run-service-proxy", &flags.run_service_proxy}}) {
    run->add_flag(name, *value)
        ->description(
            "As with kube-router, whose other controllers are not "
            "here: the firewall is true, the others are false");
  }
}

// As kube-router names them.
void AddHttp(CLI::App* run, Flags& flags) {
  run->add_option("--health-addr", flags.health_addr,
                  "Address to answer /healthz, /readyz and /livez at; every "
                  "one of the node unless given");
  run->add_option("--health-port", flags.health_port,
                  "TCP port for these; 0 for none")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  run->add_option("--metrics-addr", flags.metrics_addr,
                  "Address to show Prometheus metrics at; every one of the "
                  "node unless given");
  run->add_option("--metrics-port", flags.metrics_port,
                  "TCP port for these, which may be the health port; 0 for "
                  "none")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  run->add_option("--metrics-path", flags.metrics_path,
                  "Path of the metrics' page")
      ->capture_default_str();
}

void AddCleanup(CLI::App& app, Flags& flags) {
  CLI::App* cleanup = AddCommand(
      app, flags, CommandKind::kCleanup,
      "Remove our hooks, chains and sets, and kube-router's, of both flavours "
      "and both families from the kernel");
  cleanup
      ->add_option("--mode", flags.cleanup_mode,
                   "complete: what is ours, and nothing else; pipeline: "
                   "exactly what iptables-save | grep -v KUBE-ROUTER | "
                   "iptables-restore and the same with ip6tables leave, which "
                   "keeps KUBE-POD-FW- and KUBE-NWPLCY- chains and all sets, "
                   "removes rules of others that hold the word, sets the "
                   "counters of all rules to zero, and spoils native nft rules "
                   "beside them")
      ->check(CLI::IsMember({"complete", "pipeline"}))
      ->capture_default_str();
  AddBackend(cleanup, flags,
             "For --mode=pipeline, whose programs run: legacy or nft; auto: "
             "iptables-save and iptables-restore as a shell finds them. "
             "--mode=complete always cleans both");
  cleanup->add_flag("--dry-run", flags.dry_run,
                    "Show what would be removed, and remove nothing");
  cleanup->add_flag("--force", flags.force,
                    "Also while somebody enforces here, who would bring it all "
                    "back; with --mode=pipeline also where a table cannot be "
                    "shown");
  AddRunLock(cleanup, flags);
  AddLockTimeout(cleanup, flags);
  AddOutput(cleanup, flags);
}

void AddWriters(CLI::App& app, Flags& flags) {
  CLI::App* run = AddCommand(
      app, flags, CommandKind::kRun,
      "Enforce what the cluster's API server or manifests say, and follow "
      "their changes, until SIGTERM or SIGINT, which leave enforcement in "
      "place; SIGHUP reads the kernel again");
  AddSource(run, flags);
  AddEnforcement(run, flags);
  AddRunLock(run, flags);
  AddControlSocket(run, flags,
                   "Socket on which the daemon answers netpolctl explain and "
                   "netpolctl status");
  AddHttp(run, flags);
  AddVerbosity(run, flags);
  run->add_option("--iptables-sync-period", flags.iptables_sync_period,
                  "How often the kernel is read again and mended, like 5m0s")
      ->capture_default_str();
  run->add_flag("--cleanup-config", flags.cleanup_config,
                "Do what netpolctl cleanup does, and end");
  run->add_flag("--disable-network-policy", flags.disable_network_policy,
                "Do what netpolctl cleanup does, then nothing until it is "
                "ended: switches a service off by its configuration");
  CLI::App* apply = AddCommand(app, flags, CommandKind::kApply,
                               "Bring the kernel to what manifests say, once");
  AddManifests(apply, flags);
  AddEnforcement(apply, flags);
  AddRunLock(apply, flags);
  AddOutput(apply, flags);
  AddCleanup(app, flags);
}

// Help that was asked for is an "error" of the library, with exit code 0.
void Explain(const CLI::App& app, const CLI::ParseError& error,
             std::ostream& out, std::ostream& err, ExitCode& exit_code) {
  if (error.get_exit_code() == 0) {
    app.exit(error, out, err);
    exit_code = kDone;
    return;
  }
  std::string command = "netpolctl";
  for (const CLI::App* used : app.get_subcommands())
    command += " " + used->get_name();
  err << command << ": reading the command line: " << error.what() << "; see "
      << command << " --help" << std::endl;
}

}  // namespace

absl::optional<Flags> ParseCommandLine(int argc, const char* const* argv,
                                       std::ostream& out, std::ostream& err,
                                       ExitCode& exit_code) {
  exit_code = kUsage;
  try {
    Flags flags;
    CLI::App app("Enforces Kubernetes network policies on this node");
    app.name("netpolctl");
    app.footer(kExitCodes);
    app.require_subcommand(1);
    AddWriters(app, flags);
    AddReaders(app, flags);
    AddExplain(app, flags);
    AddStatus(app, flags);
    try {
      app.parse(argc, argv);
      return flags;
    } catch (const CLI::ParseError& error) {
      Explain(app, error, out, err, exit_code);
    }
  } catch (const std::exception& error) {
    err << "netpolctl: reading the command line: " << error.what() << "\n";
  }
  return absl::nullopt;
}

}  // namespace netpol
