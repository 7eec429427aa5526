#include "tests/netns/world/snapshot.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <regex>

#include <fmt/format.h>

namespace novaplane::netns {
namespace fs = std::filesystem;
namespace {

constexpr std::array kListings{"ip -o -d link show",
                               "ip -o address show",
                               "ip route show table all",
                               "ip -6 route show table all",
                               "ip rule show",
                               "ip -6 rule show",
                               "ip neighbour show nud permanent",
                               "ip neighbour show proxy",
                               "ip -6 neighbour show proxy"};

/// Timers of bridges, lifetimes and carriers, which change by themselves.
std::string without_ages(const std::string& line) {
  static const std::regex ages(
      R"((hello_timer|tcn_timer|topology_change_timer|gc_timer|message_age_timer|)"
      R"(forward_delay_timer|hold_timer|expires|state|qlen)\s+\S+|NO-CARRIER,|,LOWER_UP)");
  return std::regex_replace(line, ages, "");
}

/// Values that the kernel or the traffic changes.
bool changes_by_itself(const std::string& path) {
  return path.find("nf_conntrack") != std::string::npos || path.ends_with("stable_secret") ||
         path.ends_with("tcp_fastopen_key") || path.ends_with("/flush") ||
         path.find("/neigh/") != std::string::npos;
}

void add_sysctls(std::vector<std::string>& lines) {
  const std::string root = "/proc/sys/net";
  for (const auto& entry :
       fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied)) {
    const std::string path = entry.path();
    if (entry.is_regular_file() && !changes_by_itself(path))
      lines.push_back(fmt::format("{} = {}", path.substr(root.size() + 1), read_file(path)));
  }
}

}  // namespace

Snapshot::Snapshot(const Namespace& where) {
  // The kernel is still checking its link-local addresses (RFC 4862) for a second or so.
  eventually([&] { return where.ip("-6 address show tentative").empty(); });
  for (const std::string listing : kListings)
    for (const auto& line : lines_of(where.run(words_of(listing)).out))
      lines_.push_back(fmt::format("{}: {}", listing, without_ages(line)));
  // A ruleset means what its order says: it stays one line, in its own order.
  for (const auto& line : lines_of(where.nft_list("-s list tables")))
    lines_.push_back("nft " + line + ": " + where.nft_list("-s list " + line));
  where.inside([&] { add_sysctls(lines_); });
  std::ranges::sort(lines_);
}

std::string Snapshot::difference(const Snapshot& before, const Snapshot& after) {
  std::vector<std::string> gone, come;
  std::ranges::set_difference(before.lines_, after.lines_, std::back_inserter(gone));
  std::ranges::set_difference(after.lines_, before.lines_, std::back_inserter(come));
  std::string text;
  for (const auto& line : gone) text += "- " + line + "\n";
  for (const auto& line : come) text += "+ " + line + "\n";
  return text;
}

}  // namespace novaplane::netns
