#include "dataplane/node/legacy_iptables.h"

#include <netinet/in.h>  // before the kernel's headers, which then leave out what it has
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/base/files.h"

namespace novaplane::node {
namespace {

constexpr const char* kFilter = "filter";

/// Asking for a table that is not there makes it (net/netfilter/x_tables.c, xt_find_table_lock).
bool is_in_use() {
  std::istringstream names(read_whole("/proc/thread-self/net/ip_tables_names").value_or(""));
  for (std::string name; names >> name;) {
    if (name == kFilter) return true;
  }
  return false;
}

std::optional<ipt_getinfo> info(int fd) {
  ipt_getinfo info{};
  std::strcpy(info.name, kFilter);
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) != 0) return std::nullopt;
  return info;
}

/// All rules of the table, as ipt_entry after ipt_entry; empty: they could not be read.
std::vector<std::byte> entries(int fd, std::size_t bytes) {
  std::vector<std::byte> answer(sizeof(ipt_get_entries) + bytes);
  auto* question = reinterpret_cast<ipt_get_entries*>(answer.data());
  std::strcpy(question->name, kFilter);
  question->size = static_cast<unsigned>(bytes);
  auto size = static_cast<socklen_t>(answer.size());
  if (::getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, question, &size) != 0) return {};
  answer.erase(answer.begin(), answer.begin() + offsetof(ipt_get_entries, entrytable));
  return answer;
}

/// A chain's policy is its last rule, where a packet comes out below (the underflow).
bool drops_at(const std::vector<std::byte>& entries, std::size_t offset) {
  if (offset + sizeof(ipt_entry) > entries.size()) return false;
  ipt_entry entry;
  std::memcpy(&entry, entries.data() + offset, sizeof(entry));
  const std::size_t target = offset + entry.target_offset;
  if (target + sizeof(xt_standard_target) > entries.size()) return false;
  xt_standard_target policy;
  std::memcpy(&policy, entries.data() + target, sizeof(policy));
  constexpr int kDrop = -NF_DROP - 1;
  return policy.target.u.user.name[0] == 0 && policy.verdict == kDrop;
}

}  // namespace

bool legacy_iptables_names(const std::string& link) {
  if (!is_in_use()) return false;
  const Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const auto about = fd ? info(fd.get()) : std::nullopt;
  if (!about) return false;
  const std::vector<std::byte> rules = entries(fd.get(), about->size);
  ipt_entry entry;
  for (std::size_t at = 0; at + sizeof(entry) <= rules.size(); at += entry.next_offset) {
    std::memcpy(&entry, rules.data() + at, sizeof(entry));
    if (entry.ip.iniface == link || entry.ip.outiface == link) return true;
    if (entry.next_offset < sizeof(entry)) break;
  }
  return false;
}

bool legacy_iptables_drops_forwarded() {
  if (!is_in_use()) return false;
  const Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const auto about = fd ? info(fd.get()) : std::nullopt;
  if (!about || (about->valid_hooks & (1u << NF_INET_FORWARD)) == 0) return false;
  return drops_at(entries(fd.get(), about->size), about->underflow[NF_INET_FORWARD]);
}

}  // namespace novaplane::node
