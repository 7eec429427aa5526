#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/options.h"

/// What `novaplane` can do: one file for each command.
namespace novaplane::tools {

/// Exit codes (sysexits.h for the last).
constexpr int kDone = 0, kFailed = 1, kPending = 2, kUsage = 64;

struct Command {
  std::string_view name;
  std::string_view arguments;  ///< "FILE"
  std::string_view summary;    ///< one line
  std::string_view details;    ///< what `novaplane help NAME` says more
  std::size_t least, most;     ///< arguments
  int (*run)(const Options&);
  std::string_view options = {};  ///< the special ones that it takes: "file prune"
  bool is_of_host = false;        ///< it is about this host's own kernel: --server makes no sense
};

std::span<const Command> commands();

int check(const Options&);
int plan(const Options&);
int up(const Options&);
int up_on_trial(const Options&);  ///< up --confirm TIME
int confirm(const Options&);
int down(const Options&);
int show(const Options&);
int uplink(const Options&);

// Of a cloud in a store, by the daemon's control API (cloud/).
int get(const Options&);
int create(const Options&);
int set(const Options&);
int delete_objects(const Options&);
int apply_document(const Options&);
int diff(const Options&);
int export_document(const Options&);
int floating(const Options&);
int move_port(const Options&);
int history(const Options&);
int watch(const Options&);
int hosts(const Options&);
int store(const Options&);
int wait_for_revision(const Options&);

/// Finds the command that was typed and runs it; `help`, `--help` and `--version` too.
int run(const Options&);

}  // namespace novaplane::tools
