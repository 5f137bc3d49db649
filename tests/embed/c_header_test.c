// The header is C, and C is enough: a life of a handle that enforces nothing.
#include <stdio.h>
#include <string.h>

#include "netpol/capi/netpol.h"

static int failures = 0;

static void Expect(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  ++failures;
}

static void Log(void* user, int32_t level, const char* text) {
  (void)user;
  fprintf(stderr, "%d %s\n", (int)level, text);
}

int main(void) {
  netpol_options options = NETPOL_OPTIONS_INIT;
  options.log = Log;
  netpol_handle* handle = NULL;
  Expect(netpol_create(&options, &handle) == NETPOL_INVALID_ARGUMENT,
         "without a node name there is no handle");
  Expect(handle == NULL, "the handle is NULL");
  char* why = netpol_last_error(handle);
  Expect(why != NULL && strstr(why, "node") != NULL, "the error says why");
  netpol_free(why);

  options.node_name = "node-a";
  Expect(netpol_create(&options, &handle) == NETPOL_OK, "it is made");
  char* status = NULL;
  Expect(netpol_status(handle, &status) == NETPOL_OK, "it has a status");
  Expect(status != NULL && strstr(status, "\"node-a\"") != NULL,
         "which names the node");
  netpol_free(status);
  Expect(netpol_listed(handle, NETPOL_POD) == NETPOL_FAILED_PRECONDITION,
         "it is not started");
  Expect(netpol_destroy(handle) == NETPOL_OK, "it is freed");
  return failures == 0 ? 0 : 1;
}
