#pragma once

#include <string>
#include <variant>
#include <vector>

namespace novaplane::metadata {

struct Options {
  std::string config;  ///< an absolute path
  bool check = false;  ///< the configuration is read, and nothing is served
};

/// What to print instead of serving.
struct Usage {
  std::string text;
  int status = 0;  ///< of the program
};

std::variant<Options, Usage> parse_options(const std::vector<std::string>& words);

}  // namespace novaplane::metadata
