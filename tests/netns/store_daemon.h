#pragma once

#include <filesystem>

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// novaplaned on a host whose cloud is in a database, until it is told to end. What the world's
/// document says is put there by `novaplane apply`.
class StoreDaemon {
 public:
  StoreDaemon(World& world, const Host& host)
      : host_(host),
        database_(fmt::format("{}/{}.db", world.folder(), host.name())),
        child_({.argv = {NOVAPLANED_PROGRAM, "--store", "sqlite:" + database_, "--host",
                         host.name(), "--run-dir", host.run_dir()},
                .namespace_fd = host.fd()},
               fmt::format("{}/{}.store.log", world.folder(), host.name())) {}

  /// `novaplane WORDS...`
  Outcome operator()(const std::string& words) const { return host_.novaplane(words_of(words)); }
  bool listens() {
    return eventually([&] { return (*this)("store status").status == 0; });
  }
  /// The kernel has what the store says.
  bool has_applied() const { return (*this)("wait").status == 0; }
  int terminate() {
    child_.signal(SIGTERM);
    return child_.wait();
  }
  void kill() {
    child_.signal(SIGKILL);
    child_.wait();
  }
  std::string log() const { return child_.log(); }
  const std::string& database() const { return database_; }

 private:
  const Host& host_;
  std::string database_;
  Child child_;
};

}  // namespace novaplane::netns
