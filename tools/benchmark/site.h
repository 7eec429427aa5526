#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "dataplane/base/fd.h"

namespace novaplane::bench {

/// Where one host lives: a network namespace with lo and an uplink eth0 (192.0.2.11/24), and a run
/// directory. Both go with it.
class Site {
 public:
  Site();
  ~Site();
  Site(const Site&) = delete;

  /// The calling thread, and what it starts, is at the site as long as this lives.
  class Visit {
   public:
    explicit Visit(const Site& site);
    ~Visit();
    Visit(const Visit&) = delete;

   private:
    Fd before_;
  };

  const std::string& run_dir() const { return run_dir_; }
  int netns() const { return netns_.get(); }
  /// Commands of `ip`, one a line, there.
  void ip(const std::string& commands) const;

 private:
  Fd netns_;
  std::string run_dir_;
};

/// Why a benchmark has nothing to tell.
struct GivenUp : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Ends the benchmark, and no other one (see add_row).
[[noreturn]] void give_up(std::string_view what);

}  // namespace novaplane::bench
