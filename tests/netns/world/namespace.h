#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "dataplane/base/fd.h"
#include "tests/netns/world/process.h"

namespace novaplane::netns {

/// A named network namespace: a host, a virtual machine, a switch or the outside world. `ip netns
/// exec NAME` enters it while a test is stopped in a debugger.
class Namespace {
 public:
  explicit Namespace(std::string name);  ///< it exists already
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  const std::string& id() const { return id_; }
  int fd() const { return fd_.get(); }

  /// Calls `act` inside; what it opens (sockets) and starts (threads) stays inside.
  template <class Act>
  auto inside(Act&& act) const {
    const Visit visit(fd());
    return act();
  }

  /// Runs a program inside; `run` hands back whatever it did, the others throw when it failed.
  Outcome run(std::vector<std::string> argv, Duration deadline = 2 * kHangs) const;
  std::string ip(const std::string& words) const;        ///< `ip WORDS`; its output
  void ip_batch(const std::string& lines) const;         ///< one `ip` for many lines
  std::string nft(const std::string& text) const;        ///< `nft -f -`
  std::string nft_list(const std::string& words) const;  ///< `nft WORDS`

  std::string sysctl(const std::string& key) const;  ///< "net/ipv4/ip_forward"; empty: not there
  void sysctl(const std::string& key, const std::string& value) const;

  bool has_link(const std::string& link) const;
  std::string mac(const std::string& link) const;
  std::vector<pid_t> processes(const std::string& program = {}) const;  ///< those that live here
  /// SIGKILL to those of that name; until they have let go of everything, their sockets too.
  void kill_all(const std::string& program) const;

  /// An echo request, and another every 0.3 s until an answer comes or patience ends.
  bool pings(const std::string& address, Duration patience = kHangs) const;

 private:
  class Visit {
   public:
    explicit Visit(int fd);
    ~Visit();

   private:
    Fd before_;
  };

  std::string id_;
  Fd fd_;
};

/// Kills what lives in namespaces whose id starts with `prefix`, and removes them.
void remove_namespaces(const std::string& prefix);
/// Removes what test processes left behind that were killed themselves.
void remove_orphans();

/// Runs `ip -batch` where the caller is; throws with ip's words.
void ip_batch(const std::string& lines);

}  // namespace novaplane::netns
