#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/fd.h"

namespace novaplane::bench {

/// A network namespace without a name: it is gone with this process, however that ends. To look
/// inside: nsenter --net=PATH.
class Netns {
 public:
  Netns();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }  ///< what `ip link add ... netns` takes

  /// The calling thread, and what it starts, is inside as long as this lives.
  class Visit {
   public:
    explicit Visit(const Netns& netns);
    ~Visit();
    Visit(const Visit&) = delete;

   private:
    Fd before_;
  };

  void ip(std::string_view lines) const;  ///< commands of `ip`, one a line
  void nft(std::string_view text) const;  ///< `nft -f`
  void sysctl(const std::string& key, std::string_view value) const;  ///< "net/ipv4/ip_forward"
  /// A command of the shell, which reads `input`. Throws what it said, if it fails.
  void run(const std::string& command, std::string_view input = {}) const;
  /// A socket of that namespace.
  Fd socket(int domain, int type) const;

 private:
  Fd fd_;
  std::string path_;
};

}  // namespace novaplane::bench
