#pragma once

#include <string>
#include <variant>
#include <vector>

#include "dataplane/daemon/log.h"
#include "dataplane/daemon/tls_clients.h"

namespace novaplane::daemon {

struct Options {
  std::string document;  ///< a path, or
  std::string store;     ///< "sqlite:PATH"; one of both is empty
  std::string host;      ///< the host's name in the document
  std::string replica;   ///< a path; empty: there is none
  std::string run_dir = "/run/novaplane";
  log::Level log_level = log::Level::info;
  TlsClients::Settings tls;  ///< of --listen
};

/// What to print instead of running, and the exit status that goes with it (64: wrong usage).
struct Usage {
  std::string text;
  int status = 0;
};

std::variant<Options, Usage> parse_options(const std::vector<std::string>& words);

}  // namespace novaplane::daemon
