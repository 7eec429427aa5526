#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "dataplane/base/process.h"

namespace novaplane::engine {

/// The process of a program that serves from one configuration file and outlives us. It is found by
/// its command line, which names the file, and believed by what the kernel says of it
/// (base/identity.h).
class ServiceProcess {
 public:
  /// `program`: a name that is looked up, or a path. `users`: whom it becomes, beside root.
  ServiceProcess(std::string program, std::string configuration, std::vector<uid_t> users = {});

  void forget();
  void look();  ///< at all processes
  /// At one of them, given by its number and command line.
  void consider(pid_t pid, const std::vector<std::string>& arguments);

  bool runs() const;
  const Process& process() const { return running_.front(); }
  /// It is one, and these are its arguments (without the program itself).
  bool runs_with(const std::vector<std::string>& arguments) const;
  /// Asks it to end, and waits. SIGKILL when it is late.
  Result<void> end();

 private:
  bool says_ours(const std::vector<std::string>& arguments) const;
  bool is_ours(const Process& process, const std::vector<std::string>& arguments) const;

  std::string program_, configuration_;
  std::vector<uid_t> users_;
  std::vector<Process> running_;        // more than one only after a crash of ours
  std::vector<std::string> arguments_;  ///< of the first one
};

}  // namespace novaplane::engine
