#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

using namespace std::string_literals;

/// novaplaned on a host whose cloud is in a database, until it is told to end. What the world's
/// document says is put there by `novaplane apply`.
class StoreDaemon {
 public:
  /// `options`: further ones. `launcher`: what the daemon is started by, and becomes.
  /// `store`: another one than the database.
  StoreDaemon(World& world, const Host& host, const std::vector<std::string>& options = {},
              std::vector<std::string> launcher = {}, const std::string& store = {})
      : StoreDaemon(fmt::format("{}/{}.db", world.folder(), host.name()), world, host, options,
                    std::move(launcher), store) {}
  /// A database that several hosts follow.
  StoreDaemon(std::string database, World& world, const Host& host,
              const std::vector<std::string>& options = {}, std::vector<std::string> launcher = {},
              const std::string& store = {})
      : host_(host),
        database_(std::move(database)),
        child_({.argv = arguments(std::move(launcher), store, options), .namespace_fd = host.fd()},
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
  void reload() { child_.signal(SIGHUP); }
  bool says(const std::string& text) {
    return eventually([&] { return log().find(text) != std::string::npos; });
  }

 private:
  std::vector<std::string> arguments(std::vector<std::string> argv, const std::string& store,
                                     const std::vector<std::string>& options) const {
    for (const std::string& word : {std::string(NOVAPLANED_PROGRAM), "--store"s,
                                    store.empty() ? "sqlite:" + database_ : store, "--host"s,
                                    host_.name(), "--run-dir"s, host_.run_dir()}) {
      argv.push_back(word);
    }
    argv.insert(argv.end(), options.begin(), options.end());
    return argv;
  }

  const Host& host_;
  std::string database_;
  Child child_;
};

}  // namespace novaplane::netns
