#include "dhcp/port_holders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_map>

#include "dataplane/base/files.h"

namespace novaplane::dhcp {
namespace {

using Sockets = std::unordered_map<std::string, HeldPort>;  // "socket:[123]" -> what it holds

/// The kernel prints an address as words in its own byte order (net/ipv4/udp.c, udp4_format_sock).
bool would_collide(std::string_view hex, const IpAddress& address) {
  if (hex.find_first_not_of('0') == std::string_view::npos) return true;  // all addresses
  if (hex.size() != 8 || !address.is_v4()) return false;
  std::uint32_t raw = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), raw, 16);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&raw);
  return IpAddress::from_bytes({bytes, 4}) == address;
}

/// A row of /proc/net/{tcp,udp}{,6}: slot, local, remote, state, queues, timers, retransmits, user,
/// timeout, inode, ...
void add_socket(const std::string& row, std::string_view protocol, const IpAddress& address,
                const std::vector<HeldPort>& ports, Sockets& found) {
  constexpr std::string_view kListening = "0A";
  std::istringstream fields(row);
  std::string slot, local, remote, state, skipped, inode;
  fields >> slot >> local >> remote >> state;
  for (int i = 0; i < 5; ++i) fields >> skipped;
  const auto colon = local.find(':');
  if (!(fields >> inode) || colon == std::string::npos) return;
  if (protocol == "tcp" && state != kListening) return;
  std::uint16_t port = 0;
  std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16);
  const HeldPort held{protocol, port};
  if (std::find(ports.begin(), ports.end(), held) == ports.end()) return;
  if (would_collide(std::string_view(local).substr(0, colon), address)) {
    found.emplace(fmt::format("socket:[{}]", inode), held);
  }
}

Sockets sockets_on(const IpAddress& address, const std::vector<HeldPort>& ports) {
  Sockets found;
  for (const std::string_view protocol : {"udp", "tcp"}) {
    for (const std::string_view family : {"", "6"}) {
      const auto table = read_whole(fmt::format("/proc/thread-self/net/{}{}", protocol, family));
      if (!table) continue;  // a kernel without IPv6
      std::istringstream rows(*table);
      std::string row;
      std::getline(rows, row);  // the heading
      while (std::getline(rows, row)) add_socket(row, protocol, address, ports, found);
    }
  }
  return found;
}

std::optional<std::string> link_target(const std::string& path) {
  char target[64];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length < 0) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(length));
}

std::string name_of(pid_t pid) {
  std::string name = read_whole(fmt::format("/proc/{}/comm", pid)).value_or("a process");
  while (name.ends_with('\n')) name.pop_back();
  return name;
}

void add_holder(pid_t pid, const Sockets& sockets, std::set<std::string>& words) {
  const std::string folder = fmt::format("/proc/{}/fd", pid);
  for (const std::string& fd : list_directory(folder).value_or(std::vector<std::string>())) {
    const auto target = link_target(folder + "/" + fd);
    const auto socket = target ? sockets.find(*target) : sockets.end();
    if (socket == sockets.end()) continue;
    words.insert(fmt::format("{} port {} is held by {} (process {})", socket->second.protocol,
                             socket->second.port, name_of(pid), pid));
  }
}

}  // namespace

std::string port_holders(const IpAddress& address, const std::vector<HeldPort>& ports,
                         const std::function<bool(pid_t)>& is_known) {
  const Sockets sockets = sockets_on(address, ports);
  std::set<std::string> words;
  if (sockets.empty()) return {};
  for (const std::string& entry : list_directory("/proc").value_or(std::vector<std::string>())) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), pid);
    if (error == std::errc() && end == entry.data() + entry.size() && !is_known(pid)) {
      add_holder(pid, sockets, words);
    }
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace novaplane::dhcp
