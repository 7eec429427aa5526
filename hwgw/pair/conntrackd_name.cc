#include "hwgw/pair/conntrackd_name.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace novaplane::hwgw {
namespace {

constexpr std::string_view kWords[] = {
    "ACKWindowSize",
    "Accept",
    "Address",
    "Backlog",
    "CLOSE",
    "CLOSED",
    "CLOSE_WAIT",
    "CacheTimeout",
    "Checksum",
    "CommitTimeout",
    "Default",
    "ESTABLISHED",
    "ExpectMax",
    "ExpectTimeout",
    "ExpectationSync",
    "FIN_WAIT",
    "Filter",
    "From",
    "General",
    "Group",
    "HashLimit",
    "HashSize",
    "Helper",
    "IPv4_address",
    "IPv4_interface",
    "IPv6_address",
    "IPv6_interface",
    "Ignore",
    "Interface",
    "Kernelspace",
    "LAST_ACK",
    "LISTEN",
    "LockFile",
    "LogFile",
    "Mode",
    "Multicast",
    "Nice",
    "Options",
    "Path",
    "Policy",
    "PollSecs",
    "Port",
    "Priority",
    "Protocol",
    "PurgeTimeout",
    "QueueLen",
    "QueueNum",
    "RcvSocketBuffer",
    "RefreshTime",
    "ResendQueueSize",
    "SYN_RECV",
    "SYN_SENT",
    "Scheduler",
    "Setup",
    "SndSocketBuffer",
    "StartupResync",
    "State",
    "Stats",
    "Sync",
    "Syslog",
    "Systemd",
    "TCP",
    "TIME_WAIT",
    "Type",
    "UDP",
    "UNIX",
    "Userspace",
    "for",
};
/// However they are written.
constexpr std::string_view kInAnyCase[] = {"alarm", "ftfw", "nack", "no",        "notrack",
                                           "off",   "on",   "yes",  "persistent"};

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// A part of an IPv6 address, and so one to conntrackd.
bool is_hexadecimal(std::string_view text) {
  constexpr std::size_t kDigits = 4;
  return text.size() <= kDigits &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

}  // namespace

bool is_word(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool is_name_to_conntrackd(std::string_view text) {
  return is_word(text) && !is_hexadecimal(text) && std::ranges::count(kWords, text) == 0 &&
         std::ranges::count(kInAnyCase, in_lower_case(text)) == 0;
}

}  // namespace novaplane::hwgw
