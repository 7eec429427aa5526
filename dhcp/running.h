#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/process.h"

/// Which dnsmasq on this machine are ours. Their command lines tell which network they serve, and
/// the kernel that they are what they say (base/identity.h): anybody may write a command line.
namespace novaplane::dhcp {

struct Running {
  Process process;
  std::vector<std::string> arguments;
};

/// Whom dnsmasq becomes once its sockets are bound: the first one that there is.
constexpr const char* kUsers[] = {"dnsmasq", "nobody"};

/// Our command lines begin "dnsmasq --conf-file=<folder>/dnsmasq-...conf": the folder, or empty for
/// another's process.
std::string folder_of(const std::vector<std::string>& arguments);

/// The process, if it still runs and is ours. `program`: a path or a name that is looked up.
std::optional<Running> identify(pid_t pid, const std::string& program = "dnsmasq");

/// All of ours whose folders are directly below `root`, by folder, without the children that answer
/// DNS over TCP: guests decide how many. Reads /proc once.
std::multimap<std::string, Running> find_running(const std::string& root,
                                                 const std::string& program = "dnsmasq");

}  // namespace novaplane::dhcp
