// A request as a ScriptedServer got it.
#ifndef NETPOL_TESTS_WATCH_KUBE_SCRIPTED_REQUEST_H_
#define NETPOL_TESTS_WATCH_KUBE_SCRIPTED_REQUEST_H_

#include <map>
#include <string>

namespace netpol {

struct ScriptedRequest {
  std::string method;
  std::string target;                          // "/api/v1/pods?watch=1"
  std::string path;                            // "/api/v1/pods"
  std::map<std::string, std::string> query;    // Percent-decoded.
  std::map<std::string, std::string> headers;  // Names in small letters.
  std::string tls_server_name;                 // SNI; empty: none.
  std::string client_name;  // Common name of its certificate; empty: none.
  int connection = 0;       // Counted from 1.
};

// From the lines up to and with the empty one.
ScriptedRequest ParseScriptedRequest(const std::string& head);

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_SCRIPTED_REQUEST_H_
