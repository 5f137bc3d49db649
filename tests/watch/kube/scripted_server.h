// A server that does exactly what a test tells it: for what a real API server
// rarely does.
#ifndef NETPOL_TESTS_WATCH_KUBE_SCRIPTED_SERVER_H_
#define NETPOL_TESTS_WATCH_KUBE_SCRIPTED_SERVER_H_

#include <openssl/ssl.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/watch/kube/scripted_answer.h"
#include "tests/watch/kube/scripted_request.h"
#include "tests/watch/kube/scripted_stream.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {

struct ScriptedServerOptions {
  TestCertificate certificate;  // Empty: plain HTTP.
  // PEM; not empty: only clients with a certificate of this authority get in.
  std::string client_authority;
};

// HTTP/1.1 over TLS on 127.0.0.1, one thread for each connection. Thread-safe.
// Every Wait… gives up after 20 seconds and returns false. Requests that no
// answer is for get status 404 (and are recorded).
class ScriptedServer {
 public:
  using Matcher = std::function<bool(const ScriptedRequest&)>;

  // Listens at once. Ends the process if it cannot.
  explicit ScriptedServer(ScriptedServerOptions options);
  ~ScriptedServer();  // Stops.
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const { return port_; }
  std::string Url(const std::string& target = "") const;

  // The next request that matches gets this answer, once; of several that
  // match, the one added first.
  void Answer(Matcher matcher, ScriptedAnswer answer);
  // The next request whose path is this, whatever its query.
  void AnswerPath(const std::string& path, ScriptedAnswer answer);
  // The next request, whatever it asks for.
  void AnswerNext(ScriptedAnswer answer);
  // Every request with this path that no other answer is left for.
  void AlwaysAnswerPath(const std::string& path, ScriptedAnswer answer);
  // Forgets the answers that were not used.
  void ForgetAnswers();

  // The next connection gets these steps as soon as it is made, on bare TCP:
  // garbage in place of TLS, silence, a close. It has no request.
  void SabotageNextConnection(ScriptedAnswer steps);

  // Lets answers go on that wait for this, now and later.
  void GoOn(const std::string& signal);
  // Until an answer has reached WaitFor(signal), so that all before is sent.
  bool WaitUntilReached(const std::string& signal);

  std::vector<ScriptedRequest> requests() const;
  bool WaitForRequests(size_t count) const;           // At least so many, ever.
  bool WaitForRequest(const Matcher& matcher) const;  // One like this, ever.
  int connections() const;                            // Accepted, ever.
  int open_connections() const;
  bool WaitForOpenConnections(int count) const;  // Exactly so many.

  // Ends all connections (RST), and listens no longer: refused.
  void Stop();
  // Listens again on the same port, perhaps with another certificate.
  void Restart();
  void Restart(ScriptedServerOptions options);

 private:
  struct Rule {
    Matcher matcher;
    ScriptedAnswer answer;
    bool always = false;
  };
  struct Connection {
    int fd = -1;
    int number = 0;
    bool done = false;  // Its thread touches nothing any more.
    std::thread thread;
  };

  void Listen();
  void AcceptLoop();
  void Serve(Connection* connection);
  void ServeRequests(ScriptedStream& stream, int number);
  bool Perform(const ScriptedAnswer& answer, ScriptedStream& stream);
  bool WaitForSignal(const std::string& signal, const ScriptedStream& stream);
  ScriptedAnswer AnswerFor(const ScriptedRequest& request);
  void ReapConnections();
  int OpenConnections() const;
  bool WaitUntil(const std::function<bool()>& condition) const;

  ScriptedServerOptions options_;
  int port_ = 0;
  std::thread accept_thread_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  int listen_fd_ = -1;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
  std::list<Rule> rules_;
  std::list<ScriptedAnswer> sabotages_;
  std::set<std::string> signals_;
  std::set<std::string> reached_;
  std::vector<ScriptedRequest> requests_;
  std::list<Connection> connections_;
  int accepted_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_SCRIPTED_SERVER_H_
