// The smallest host: lets the library follow the API server of a kubeconfig for
// one node until SIGTERM, then takes out of the kernel what it enforced.
//
//   watching_host KUBECONFIG NODE
//
// Writes the library's log to standard error, "ready" when everything is
// enforced, and its last status when it ends.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "netpol/capi/netpol.h"

static void Log(void* user, int32_t level, const char* text) {
  (void)user;
  fprintf(stderr, "%d %s\n", (int)level, text);
}

static void Ready(void* user) {
  (void)user;
  fprintf(stderr, "ready\n");
}

static int Fail(netpol_handle* handle, const char* what) {
  char* why = netpol_last_error(handle);
  fprintf(stderr, "%s: %s\n", what, why == NULL ? "?" : why);
  netpol_free(why);
  netpol_destroy(handle);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "watching_host KUBECONFIG NODE\n");
    return 64;
  }
  // Waited for below; the library's threads block every signal anyway.
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, NULL);

  netpol_options options = NETPOL_OPTIONS_INIT;
  options.source = NETPOL_SOURCE_KUBERNETES;
  options.kubeconfig = argv[1];
  options.node_name = argv[2];
  options.require_node = 1;
  options.iptables_backend = NETPOL_BACKEND_NFT;
  options.log = Log;
  options.first_sync_done = Ready;
  netpol_handle* handle = NULL;
  if (netpol_create(&options, &handle) != NETPOL_OK)
    return Fail(handle, "options");
  if (netpol_start(handle) != NETPOL_OK) return Fail(handle, "start");

  int signal = 0;
  sigwait(&end, &signal);
  char* status = NULL;
  if (netpol_status(handle, &status) == NETPOL_OK)
    fprintf(stderr, "%s\n", status);
  netpol_free(status);
  if (netpol_stop(handle, /*with_cleanup=*/1) != NETPOL_OK)
    return Fail(handle, "stop");
  netpol_destroy(handle);
  return 0;
}
