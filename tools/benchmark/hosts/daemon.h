#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/base/process.h"
#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// A program in a namespace. It ends with this object, and with the thread that has started it.
class Program {
 public:
  Program(const Netns& netns, std::vector<std::string> argv);
  ~Program();
  Program(const Program&) = delete;

  pid_t pid() const { return child_.process().pid(); }
  void signal(int number) const { (void)child_.process().signal(number); }

 private:
  Child child_;
};

/// novaplaned on one host.
class Daemon {
 public:
  /// `source`: "--state FILE" or "--store WORDS" with what belongs to it.
  Daemon(const Netns& netns, const std::string& program, const std::string& host,
         const std::string& run_dir, const std::vector<std::string>& source);

  /// Until its control socket takes requests.
  void await_listening() const;
  /// Until it says READY=1: what can be done is done.
  void await_ready();
  /// Resident bytes, and the most that there ever were.
  struct Memory {
    double resident = 0, peak = 0;
  };
  Memory memory() const;

  struct Reply {
    int status = 0;
    std::string body;
  };
  /// By its control socket.
  Reply ask(const std::string& method, const std::string& target,
            const std::string& body = {}) const;
  /// The same in two halves: what is measured begins when the request was sent.
  Fd send(const std::string& method, const std::string& target, const std::string& body) const;
  static Reply receive(const Fd& socket);

 private:
  std::string run_dir_;
  Fd notifications_;
  std::optional<Program> program_;
};

}  // namespace novaplane::bench
