#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace novaplane::tools {

/// What was typed. All options are known to all commands: `check --host` makes sure that the
/// document has the host, the others name the host that they are about.
struct Options {
  std::vector<std::string> words;      ///< all of it
  std::string command;                 ///< "plan"; empty: none
  std::vector<std::string> arguments;  ///< what follows it: FILE
  std::string host;                    ///< empty: not given
  std::string run_dir = "/run/novaplane";
  std::string confirm;  ///< "30s"; empty: not given
  bool json = false;
  bool verbose = false;
  bool help = false, version = false;
};

/// An error is the sentence for the one who typed it.
tl::expected<Options, std::string> parse(const std::vector<std::string>& words);

/// The lines about options in the help text.
std::string options_help();

}  // namespace novaplane::tools
