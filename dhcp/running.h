#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/process.h"

/// Which dnsmasq on this machine are ours. Their command lines tell, nothing else is trusted.
namespace novaplane::dhcp {

struct Running {
  Process process;
  std::vector<std::string> arguments;
};

/// Our command lines begin "dnsmasq --conf-file=<folder>/dnsmasq-...conf": the folder, or empty for
/// another's process.
std::string folder_of(const std::vector<std::string>& arguments);

/// The process, if it still runs and is ours.
std::optional<Running> identify(pid_t pid);

/// All of ours whose folders are directly below `root`, by folder. Reads /proc once.
std::multimap<std::string, Running> find_running(const std::string& root);

}  // namespace novaplane::dhcp
