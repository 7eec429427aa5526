#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace novaplane::tools {

/// What was typed. General options are known to all commands: `check --host` makes sure that the
/// document has the host, the others name the host that they are about. The special ones belong to
/// the commands that name them (command.h).
struct Options {
  std::vector<std::string> words;      ///< all of it
  std::string command;                 ///< "plan"; empty: none
  std::vector<std::string> arguments;  ///< what follows it: FILE
  std::string host;                    ///< empty: not given
  std::string run_dir = "/run/novaplane";
  std::string server;             ///< "https://compute1:8443"; empty: the novaplaned of this host
  std::string cacert, cert, key;  ///< files for it
  bool json = false;
  bool verbose = false;
  bool help = false, version = false;

  // special ones; empty: not given
  std::string confirm;   ///< "30s"
  std::string output;    ///< get: "yaml"; export: a file
  std::string file;      ///< a document; "-": standard input
  std::string pool;      ///< of floating IPs
  std::string port;      ///< that a floating IP is for
  std::string limit;     ///< how many
  std::string revision;  ///< "42"
  std::string timeout;   ///< "30s"
  bool prune = false;
  bool dry_run = false;
  bool wait = false, cancel = false, now = false;  ///< port move
  bool yes = false;
};

/// An error is the sentence for the one who typed it.
tl::expected<Options, std::string> parse(const std::vector<std::string>& words);

/// Names of the special options that were given: "confirm", "dry-run".
std::vector<std::string> special_options(const Options& options);

/// The lines about options in the help text: the general ones, and of the special ones those that
/// are named, with blanks between ("file prune").
std::string options_help(std::string_view special = {});

}  // namespace novaplane::tools
