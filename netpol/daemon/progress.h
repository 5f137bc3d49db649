// A sign of life on a terminal.
#ifndef NETPOL_DAEMON_PROGRESS_H_
#define NETPOL_DAEMON_PROGRESS_H_

#include <condition_variable>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>

namespace netpol {

// From the first second of its life until its end, rewrites a line such as
// "netpolctl apply: writing the kernel … 3 s" every second; the end takes the
// line away. Nobody else may write to the stream meanwhile.
class Progress {
 public:
  // `terminal` must outlive the object; nullptr where nobody looks: nothing is
  // written, and no thread is started.
  Progress(std::ostream* terminal, std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Run();

  std::ostream* terminal_;
  std::string what_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_PROGRESS_H_
