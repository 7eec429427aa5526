#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

/// Child processes, and processes that outlived us. No shell is ever involved.
namespace novaplane {

using Deadline = std::chrono::steady_clock::time_point;

/// A process held by a pidfd: the number cannot come to mean another one while we hold it.
class Process {
 public:
  /// ESRCH when there is none.
  static Result<Process> open(pid_t pid);

  pid_t pid() const { return pid_; }
  int descriptor() const { return fd_.get(); }  ///< turns readable when the process has ended
  Result<void> signal(int number) const;
  bool ended_before(Deadline deadline) const;  ///< waits for it, child of ours or not

 private:
  Process(pid_t pid, Fd fd) : pid_(pid), fd_(std::move(fd)) {}

  pid_t pid_ = 0;
  Fd fd_;
};

/// Waits for the end of a process that was told to; SIGKILL when it is late, and ETIMEDOUT when
/// that does not help. `name`: for the error.
Result<void> await_end(const Process& process, const std::string& name, Deadline deadline);

/// The arguments of a running process. Empty for one that is gone, a zombie or a kernel thread.
std::vector<std::string> command_line(pid_t pid);

/// The numbers of all processes that run now.
std::vector<pid_t> all_processes();

/// 0 for one that is gone.
pid_t parent_of(pid_t pid);

/// Whether the process lives in the calling thread's network namespace.
bool shares_our_network(pid_t pid);

/// How a child ended.
struct Exit {
  int status = 0;     ///< its exit status; 128 + the signal's number when it was killed
  std::string words;  ///< what it wrote to stderr, without white space at the ends
};

/// A child of ours until wait() has returned its end.
class Child {
 public:
  Child(Process process, Fd errors) : process_(std::move(process)), errors_(std::move(errors)) {}

  const Process& process() const { return process_; }
  /// Reaps the child. ETIMEDOUT when it still runs at the deadline: it is killed and reaped then.
  Result<Exit> wait(Deadline deadline);

 private:
  Process process_;
  Fd errors_;
};

/// Starts argv[0], a path, with no descriptor of ours but a pipe as stderr, in a session of its own
/// and with default signals, so that it may outlive us and our terminal.
Result<Child> spawn(const std::vector<std::string>& argv);

/// Where a program is: its path if it has a slash, else looked up in PATH and then in the sbin
/// directories, which an unprivileged PATH lacks. ENOENT when nowhere.
Result<std::string> find_program(const std::string& name);
/// All the places where it is looked for, whether it is there or not.
std::vector<std::string> places_of(const std::string& name);

}  // namespace novaplane
