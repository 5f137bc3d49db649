// Keeps credentials fresh: token files, certificate files, exec plugins.
#ifndef NETPOL_WATCH_KUBE_CREDENTIAL_SOURCE_H_
#define NETPOL_WATCH_KUBE_CREDENTIAL_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/credentials.h"

namespace netpol {

// Never blocks for longer than a small file takes to read. Pure in time: the
// caller says what time it is. Thread-compatible.
class CredentialSource {
 public:
  static std::unique_ptr<CredentialSource> Create(ApiServerConfig config);
  virtual ~CredentialSource() = default;

  // What to send now. Reads files again once a minute (the token) or every five
  // minutes (the rest) and keeps what it had if that fails, also while a
  // certificate and its key do not fit each other. A token, a user with
  // password or a client certificate of the configuration counts, else the exec
  // plugin is run: at first, when the server refused what it gave, and, behind
  // what is still valid, up to a minute before that expires. Unavailable while
  // the plugin runs and there is nothing else: ask again once fd() is readable.
  // Other errors name the file or command, and what to do; a later call tries
  // again, a failed plugin not more often than every 10 seconds.
  //
  // `now` is of the wall clock: credentials expire by it.
  virtual absl::StatusOr<Credentials> Get(absl::Time now) = 0;

  // The server answered 401 to what Get() gave: whatever is cached is read or
  // asked for again with the next Get(), but not more often than every 10
  // seconds.
  virtual void OnRefused(const Credentials& refused, absl::Time now) = 0;

  // The server's certificate did not verify: the authority is read again with
  // the next Get(), but not more often than every 10 seconds.
  virtual void OnUnverified(absl::Time now) = 0;

  // Readable when Get() has work to do for a plugin that runs: to read what it
  // prints, to see that it has ended (epoll). Only Get() makes it quiet again,
  // so call it then, whether credentials are waited for or not. -1 if no plugin
  // is ever run. Owned by this.
  virtual int fd() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_CREDENTIAL_SOURCE_H_
