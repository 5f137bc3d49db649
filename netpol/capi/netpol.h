// A Kubernetes NetworkPolicy controller for one node, inside your process.
//
//   static void Log(void* user, int32_t level, const char* text) { ... }
//
//   netpol_options options = NETPOL_OPTIONS_INIT;
//   options.node_name = "node-a";
//   options.cluster_ip_ranges = "10.43.0.0/16";
//   options.log = Log;
//   netpol_handle* handle = NULL;
//   if (netpol_create(&options, &handle) != NETPOL_OK ||
//       netpol_start(handle) != NETPOL_OK) {
//     char* why = netpol_last_error(handle);
//     ...
//     netpol_free(why);
//   }
//   // For each object of your caches, then for each change:
//   netpol_feed(handle, NETPOL_UPSERT, bytes, length);
//   // When the caches are filled, for each of the four kinds:
//   netpol_listed(handle, NETPOL_POD);
//   ...
//   netpol_stop(handle, 0);  // What is enforced stays enforced.
//   netpol_destroy(handle);
//
// The process. Nothing here ends it, handles a signal, changes the signal mask
// of a thread of yours, or reads standard input; nothing is written but by the
// callback `log`. Several handles may live in one process, each in the network
// namespace of the thread that called its netpol_start(); one namespace has one
// enforcer, whatever process it is in, and a second one is refused. The only
// state that handles share is the text of netpol_last_error(NULL), one for each
// thread. Root's rights are needed, or what netpol_check() names.
//
// Threads. All functions may be called from any thread, several at once, with
// one exception: netpol_destroy() must be the last call with its handle. The
// library's own threads begin in netpol_start() and have ended when
// netpol_stop() returns. They block every signal, so that your handlers run on
// your threads.
//
// Callbacks come on the library's threads, also several at once, and on yours
// within netpol_start(); none after netpol_stop() has returned. Return from
// them soon: enforcement waits. They may call netpol_status(),
// netpol_request_sync(), netpol_last_error(), netpol_free() and
// netpol_version(); every other function then gives NETPOL_FAILED_PRECONDITION.
// Their texts are good until they return.
//
// Memory. Texts that you pass are read before the call returns and never kept
// by address. Texts that you get through a `char**` are yours: give them to
// netpol_free(). Texts end with a
// zero byte; JSON is UTF-8.
//
// The kernel. Nothing in it is touched before all is known: see netpol_listed()
// and require_node. A stop, a crash or a new version of the library leave what
// is enforced in place, and the next start changes only what differs. Only
// clean-up removes: `netpol_stop(handle, 1)` or netpol_cleanup().
//
// The interface only grows: see netpol_options.size.
#ifndef NETPOL_CAPI_NETPOL_H_
#define NETPOL_CAPI_NETPOL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a call gives. After all but NETPOL_OK nothing has changed, unless the
// function says otherwise, and netpol_last_error() says what is wrong and what
// to do.
typedef int32_t netpol_code;
enum {
  NETPOL_OK = 0,
  // An argument that cannot work, or bytes that are no such object.
  NETPOL_INVALID_ARGUMENT = 1,
  // Not now: not started, stopped, not all is known yet, in a callback.
  NETPOL_FAILED_PRECONDITION = 2,
  NETPOL_PERMISSION_DENIED = 3,
  // Something that was named is not there, such as a kubeconfig file.
  NETPOL_NOT_FOUND = 4,
  // It may be well later: the kernel is busy, or cannot be opened yet.
  NETPOL_UNAVAILABLE = 5,
  // This kernel cannot do it: see netpol_check().
  NETPOL_UNIMPLEMENTED = 6,
  // All else, out of memory included.
  NETPOL_INTERNAL = 7,
};

// Kinds of objects.
typedef int32_t netpol_kind;
enum {
  NETPOL_NAMESPACE = 1,
  NETPOL_POD = 2,
  NETPOL_NODE = 3,
  NETPOL_NETWORK_POLICY = 4,
};

// What happened to an object.
typedef int32_t netpol_event;
enum {
  NETPOL_UPSERT = 1,  // It is there and looks like this: new or changed.
  NETPOL_DELETE = 2,  // It is gone.
};

typedef int32_t netpol_form;
enum {
  NETPOL_TEXT = 0,  // Lines for people.
  NETPOL_JSON = 1,  // One JSON object.
};

enum {
  NETPOL_LOG_DEBUG = 0,
  NETPOL_LOG_INFO = 1,
  NETPOL_LOG_WARNING = 2,
  NETPOL_LOG_ERROR = 3,
};

enum {
  NETPOL_IPV4 = 1,
  NETPOL_IPV6 = 2,
};

enum {
  // You tell every object: netpol_feed().
  NETPOL_SOURCE_HOST = 0,
  // The library lists and watches at an API server; you feed nothing.
  NETPOL_SOURCE_KUBERNETES = 1,
};

enum {
  // Echo requests and ICMP errors pass to and from every pod, as with
  // kube-router.
  NETPOL_ICMP_KUBE_ROUTER = 0,
  // As any other protocol: only rules without ports allow it.
  NETPOL_ICMP_POLICY = 1,
};

enum {
  NETPOL_BACKEND_AUTO = 0,
  NETPOL_BACKEND_LEGACY = 1,  // ip_tables, as iptables-legacy
  NETPOL_BACKEND_NFT = 2,     // nf_tables, as iptables-nft
};

// One controller.
typedef struct netpol_handle netpol_handle;

// In every field but `size`, zero and NULL mean the default. Lists are CIDRs
// with commas between them.
typedef struct netpol_options {
  // sizeof(netpol_options) of the header that you compiled with: what a newer
  // library knows beyond that has its default; a field beyond what an older
  // library knows must be zero. NETPOL_OPTIONS_INIT sets it.
  size_t size;

  // The name of this node's Node object; pods with this spec.nodeName are
  // enforced here. No default.
  const char* node_name;
  // NETPOL_IPV4 | NETPOL_IPV6. Default: NETPOL_IPV4. A range below of a family
  // that is not enabled is an error.
  uint32_t families;
  // Where services have their addresses: one or two CIDRs. Egress of pods to
  // them is judged once the service proxy has put a pod's address in their
  // place. Default: 10.96.0.0/12, if IPv4 is enabled; "" for none.
  const char* cluster_ip_ranges;
  // Likewise for external addresses of services, and for those of load
  // balancers. Default: none.
  const char* external_ip_ranges;
  const char* load_balancer_ip_ranges;
  // "30000-32767" or "30000:32767", the default.
  const char* node_port_range;
  // Not 0: addresses within the node's pod CIDRs that are no known pod's get
  // nothing through, so that a pod that just starts is not open. Needs Node
  // objects.
  int32_t default_deny;
  // NETPOL_ICMP_….
  int32_t icmp;
  // Bits of packet marks that are ours while a packet is judged; the two must
  // not overlap. Defaults: 0x10000 and 0x20000.
  uint32_t allow_mark;
  uint32_t pass_mark;
  // Milliseconds between two readings of the kernel when nothing happens.
  // Default: five minutes.
  int64_t sync_period_ms;
  // For how many milliseconds a write waits for the lock of iptables. Default:
  // ten seconds.
  int64_t lock_timeout_ms;
  // Not 0: nothing is enforced before the Node object of `node_name` is there
  // and without the taint node.cloudprovider.kubernetes.io/uninitialized.
  // Advisable: under a wrong name, all that is enforced would be taken away.
  int32_t require_node;
  // For how many milliseconds all of that may be awaited, from the start on,
  // before `health` says that it takes too long. It is awaited all the same.
  // Default: one minute.
  int64_t waiting_limit_ms;

  // NETPOL_SOURCE_…. Default: you feed.
  int32_t source;
  // For NETPOL_SOURCE_KUBERNETES. A kubeconfig file; default: what KUBECONFIG
  // names, else the configuration of the pod that this runs in, else
  // ~/.kube/config.
  const char* kubeconfig;
  // The URL of the server, instead of the one that the configuration says.
  const char* master;

  // Handed to each callback as it is.
  void* user;
  // One thing that happened; `level` is NETPOL_LOG_…. Repeated ones are held
  // back. No line end.
  void (*log)(void* user, int32_t level, const char* text);
  // The verdict or its reasons changed; before the first call it is alive,
  // healthy and not ready. `alive`: the threads turn; if not, only a new
  // process helps. `healthy`: what policies say is in the kernel, as far as is
  // known. `ready`: everything that was listed is in the kernel. `reasons`: why
  // not, a sentence on each line, with what to do; those that begin with
  // "note: " make nobody unhealthy. "" if all is well.
  void (*health)(void* user, int32_t alive, int32_t healthy, int32_t ready,
                 const char* reasons);
  // Everything that was listed is in the kernel; once for each handle. Now the
  // node may take pods.
  void (*first_sync_done)(void* user);

  // Not 0: enforces nothing. netpol_start() begins to take out of the kernel
  // what netpol_cleanup() does, which is tried again until nothing is left;
  // then `health` says ready, and "disabled" among its reasons, and
  // `first_sync_done` is called. What is fed is forgotten, no API server is
  // asked, and netpol_preview() gives NETPOL_FAILED_PRECONDITION.
  int32_t disable_network_policy;
  // NETPOL_BACKEND_…: in which flavour of iptables to enforce. Default: that of
  // this host's other components, found out when the kernel is opened and told
  // by `log`. What is ours in the other one is removed after the first sync.
  int32_t iptables_backend;
} netpol_options;

// Before C++20: zero it all, then set the size.
#define NETPOL_OPTIONS_INIT \
  { .size = sizeof(netpol_options) }

// Judges the options; starts nothing. NETPOL_INVALID_ARGUMENT names each that
// cannot work. On an error *handle is NULL, and netpol_last_error(NULL) says
// more.
netpol_code netpol_create(const netpol_options* options,
                          netpol_handle** handle);

// Starts to enforce in the network namespace of the calling thread, once for
// each handle. A kernel that lacks something, and a server that is away, are no
// error: health says so, and it is tried again for ever. An error means that
// nothing runs: no permission, a kubeconfig that cannot be used, or, as
// NETPOL_FAILED_PRECONDITION, somebody who enforces there already. It may then
// be called again.
netpol_code netpol_start(netpol_handle* handle);

// What happened to one object: its bytes as the API server sends them, protobuf
// in its envelope (they begin with "k8s\0") or JSON with apiVersion and kind.
// Of NETPOL_DELETE only namespace and name count. Several changes of one object
// may come as one; order matters only among those of one object. A policy that
// is wrong in part is taken as far as it is understood, and told by `log` and
// netpol_status(). NETPOL_INVALID_ARGUMENT for bytes that are no Namespace,
// Pod, Node (v1) or NetworkPolicy (networking.k8s.io/v1). Waits while far too
// many events wait.
netpol_code netpol_feed(netpol_handle* handle, netpol_event event,
                        const void* bytes, size_t length);

// The same as feeding a NETPOL_DELETE. `object_namespace` is not used for
// namespaces and nodes, and may be NULL then.
netpol_code netpol_delete(netpol_handle* handle, netpol_kind kind,
                          const char* object_namespace, const char* name);

// Every object of `kind` that exists was fed. Until this is told of
// NETPOL_NAMESPACE, NETPOL_POD and NETPOL_NETWORK_POLICY, and of NETPOL_NODE
// with default_deny or require_node, nothing is enforced: half a cluster would
// be enforced wrongly.
netpol_code netpol_listed(netpol_handle* handle, netpol_kind kind);

// All objects of `kind` will be fed again, since some changes were missed: at
// the next netpol_listed(), those that were not fed since are gone. Not needed
// before the first.
netpol_code netpol_listing(netpol_handle* handle, netpol_kind kind);

// Reads the kernel again and mends it, soon.
netpol_code netpol_request_sync(netpol_handle* handle);

// What the next sync would do, after everything that was fed before; "" or {}
// for nothing. NETPOL_FAILED_PRECONDITION while not all is known.
netpol_code netpol_preview(netpol_handle* handle, netpol_form form,
                           char** plan);

// As of now, as a JSON object: version and node; once it was started also
// alive, healthy, ready, reasons, syncs, pending, kinds (of an API server),
// counts and what the kernel lacks, named as in DaemonStatus of
// proto/netpol/status.proto. What there is nothing to say of is absent, empty
// lists too. Numbers of 64 bits are strings, as protobuf writes them. Fields
// may be added.
netpol_code netpol_status(netpol_handle* handle, char** status);

// Ends the threads, after the batch that is in work. With `with_cleanup` not 0
// everything is removed from the kernel then, as netpol_cleanup() does, in the
// network namespace that it was started in, or the calling thread's if it never
// was; without, what is enforced stays enforced. May be called again, also to
// clean up later; a handle that was stopped cannot be started again. If the
// clean-up fails, the threads have ended all the same.
netpol_code netpol_stop(netpol_handle* handle, int32_t with_cleanup);

// As netpol_stop(handle, 0), then frees the handle. NULL is fine.
netpol_code netpol_destroy(netpol_handle* handle);

// Removes from the network namespace of the calling thread all that this
// library, netpolctl or kube-router put there for policies, in both families,
// of both flavours of iptables, and nothing of anybody else: what to do once
// when policies are to be enforced no more. `lock_timeout_ms` as in the
// options; 0 for the default. NETPOL_FAILED_PRECONDITION if somebody enforces
// there, and nothing was removed, or if something could not be removed; all
// else was then.
netpol_code netpol_cleanup(int64_t lock_timeout_ms);

// What enforcing needs and whether this machine has it, seen from the network
// namespace of the calling thread: a JSON object with `ok` and `findings`, each
// with name, ok, detail and remedy. `families` as in the options. Changes
// nothing, needs no rights. NETPOL_OK if it could look, whatever it found.
netpol_code netpol_check(uint32_t families, char** findings);

// Why the last call failed that did, of those with `handle`; of NULL, of those
// that this thread made, whatever their handle. "" if none did. NULL only if
// there is no memory.
char* netpol_last_error(netpol_handle* handle);

// Gives a text back. NULL is fine.
void netpol_free(char* text);

// "0.1.0". Not to be freed.
const char* netpol_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // NETPOL_CAPI_NETPOL_H_
