#include "dataplane/node/legacy_iptables.h"

#include <netinet/in.h>  // before the kernel's headers, which then leave out what it has
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>

#include "dataplane/base/fd.h"
#include "dataplane/base/files.h"

namespace novaplane::node {
namespace {

using nft::foreign::Chain;
using nft::foreign::Hook;
using nft::foreign::Rule;
using nft::foreign::Test;

/// The two families differ in their structures' names only.
struct V4 {
  using Info = ipt_getinfo;
  using Entries = ipt_get_entries;
  using Entry = ipt_entry;
  static constexpr int kFamily = AF_INET, kLevel = IPPROTO_IP, kInfo = IPT_SO_GET_INFO,
                       kEntries = IPT_SO_GET_ENTRIES;
  static constexpr std::size_t kTable = offsetof(ipt_get_entries, entrytable);
  static constexpr const char *kProgram = "iptables-legacy", *kNames = "ip_tables_names";
  static const ipt_ip& packet(const Entry& entry) { return entry.ip; }
  static bool has_address(const Entry& entry) {
    return entry.ip.smsk.s_addr != 0 || entry.ip.dmsk.s_addr != 0;
  }
  static bool is_goto(const Entry& entry) { return (entry.ip.flags & IPT_F_GOTO) != 0; }
};
struct V6 {
  using Info = ip6t_getinfo;
  using Entries = ip6t_get_entries;
  using Entry = ip6t_entry;
  static constexpr int kFamily = AF_INET6, kLevel = IPPROTO_IPV6, kInfo = IP6T_SO_GET_INFO,
                       kEntries = IP6T_SO_GET_ENTRIES;
  static constexpr std::size_t kTable = offsetof(ip6t_get_entries, entrytable);
  static constexpr const char *kProgram = "ip6tables-legacy", *kNames = "ip6_tables_names";
  static const ip6t_ip6& packet(const Entry& entry) { return entry.ipv6; }
  static bool has_address(const Entry& entry) {
    constexpr in6_addr kAny{};
    return std::memcmp(&entry.ipv6.smsk, &kAny, sizeof kAny) != 0 ||
           std::memcmp(&entry.ipv6.dmsk, &kAny, sizeof kAny) != 0;
  }
  static bool is_goto(const Entry& entry) { return (entry.ipv6.flags & IP6T_F_GOTO) != 0; }
};

struct Table {
  const char* name;
  int priority;  ///< include/uapi/linux/netfilter_ipv4.h; of nat: of the destination's
};
constexpr Table kTables[] = {
    {"raw", -300}, {"mangle", -150}, {"nat", -100}, {"filter", 0}, {"security", 50}};

/// Asking for a table that is not there makes it (net/netfilter/x_tables.c, xt_find_table_lock).
template <class V>
bool is_in_use(const std::string& table) {
  std::istringstream names(
      read_whole(fmt::format("/proc/thread-self/net/{}", V::kNames)).value_or(""));
  for (std::string name; names >> name;) {
    if (name == table) return true;
  }
  return false;
}

template <class V>
struct Blob {
  typename V::Info info{};
  std::vector<std::byte> bytes;  ///< entry after entry

  /// False: the end, or what cannot be.
  bool read(std::size_t at, typename V::Entry& entry) const {
    if (at + sizeof(entry) > bytes.size()) return false;
    std::memcpy(static_cast<void*>(&entry), bytes.data() + at, sizeof(entry));
    return entry.target_offset >= sizeof(entry) &&
           entry.next_offset >= entry.target_offset + sizeof(xt_entry_target) &&
           at + entry.next_offset <= bytes.size();
  }
  /// Zero where the target is shorter.
  template <class Target>
  Target target(const typename V::Entry& entry, std::size_t at) const {
    Target target{};
    const std::size_t there = entry.next_offset - entry.target_offset;
    std::memcpy(&target, bytes.data() + at + entry.target_offset, std::min(there, sizeof(target)));
    return target;
  }
};

template <class V>
std::optional<Blob<V>> read_table(const std::string& name) {
  if (!is_in_use<V>(name)) return std::nullopt;
  const Fd fd(::socket(V::kFamily, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  Blob<V> blob;
  name.copy(blob.info.name, sizeof(blob.info.name) - 1);
  socklen_t size = sizeof(blob.info);
  if (!fd || ::getsockopt(fd.get(), V::kLevel, V::kInfo, &blob.info, &size) != 0) {
    return std::nullopt;
  }
  std::vector<std::byte> answer(sizeof(typename V::Entries) + blob.info.size);
  auto* question = reinterpret_cast<typename V::Entries*>(answer.data());
  name.copy(question->name, sizeof(question->name) - 1);
  question->size = blob.info.size;
  size = static_cast<socklen_t>(V::kTable + blob.info.size);
  if (::getsockopt(fd.get(), V::kLevel, V::kEntries, question, &size) != 0) return std::nullopt;
  blob.bytes.assign(answer.begin() + V::kTable, answer.begin() + V::kTable + blob.info.size);
  return blob;
}

/// The mask covers what is compared: a whole name with its end, or what is before iptables' `+`,
/// which stays in the name.
Test of_link(Test::Of of, const char* name, const unsigned char* mask, bool negated) {
  Test test;
  test.of = of;
  test.link = std::string(name, ::strnlen(name, IFNAMSIZ));
  test.negated = negated;
  const auto covered = static_cast<std::size_t>(std::find(mask, mask + IFNAMSIZ, 0) - mask);
  if (covered <= test.link.size() && covered < IFNAMSIZ) {
    test.link.resize(covered);
    test.link += '*';
  }
  return test;
}

/// Of a match `tcp` or `udp` that asks for one port of the receiver's and nothing else.
template <class Match>
Test of_port(const std::byte* data, std::size_t size, bool is_plain(const Match&)) {
  Match match{};
  if (size < sizeof(match)) return {};
  std::memcpy(&match, data, sizeof(match));
  const bool is_one = match.dpts[0] == match.dpts[1] && match.spts[0] == 0 &&
                      match.spts[1] == 0xffff && is_plain(match);
  if (!is_one) return {};
  Test test;
  test.of = Test::Of::port;
  test.number = match.dpts[0];
  return test;
}

Test of_match(const xt_entry_match& match, const std::byte* data, std::size_t size) {
  const std::string name = match.u.user.name;
  if (name == "tcp") {
    return of_port<xt_tcp>(data, size, [](const xt_tcp& tcp) {
      return tcp.option == 0 && tcp.flg_mask == 0 && tcp.invflags == 0;
    });
  }
  if (name == "udp") {
    return of_port<xt_udp>(data, size, [](const xt_udp& udp) { return udp.invflags == 0; });
  }
  return {};
}

/// Of the matches that stand between an entry's beginning and its target.
void add_matches(const std::byte* at, std::size_t left, std::vector<Test>& tests) {
  xt_entry_match match{};
  while (left >= sizeof(match)) {
    std::memcpy(static_cast<void*>(&match), at, sizeof(match));
    const std::size_t size = match.u.match_size;
    if (size < sizeof(match) || size > left) break;
    tests.push_back(of_match(match, at + sizeof(match), size - sizeof(match)));
    at += size;
    left -= size;
  }
  if (left != 0) tests.push_back({});
}

/// `bytes`: the entry's own, with its matches.
template <class V>
std::vector<Test> tests_of(const typename V::Entry& entry, const std::byte* bytes) {
  constexpr std::uint8_t kNotFrom = 0x01, kNotTo = 0x02,
                         kNotProtocol = 0x40;  // IPT_INV_VIA_IN, ...
  const auto& packet = V::packet(entry);
  std::vector<Test> tests;
  if (packet.iniface[0] != 0) {
    tests.push_back(of_link(Test::Of::iif, packet.iniface, packet.iniface_mask,
                            (packet.invflags & kNotFrom) != 0));
  }
  if (packet.outiface[0] != 0) {
    tests.push_back(of_link(Test::Of::oif, packet.outiface, packet.outiface_mask,
                            (packet.invflags & kNotTo) != 0));
  }
  if (packet.proto != 0) {
    tests.push_back({Test::Of::protocol, packet.proto, {}, (packet.invflags & kNotProtocol) != 0});
  }
  if (V::has_address(entry)) tests.push_back({});
  add_matches(bytes + sizeof(entry), entry.target_offset - sizeof(entry), tests);
  return tests;
}

/// Goes through the entries once for the chains' names, once for the rules.
template <class V>
class Reader {
 public:
  Reader(const Blob<V>& blob, const Table& table) : blob_(blob), table_(table) {}

  std::vector<Chain> read() {
    name_chains();
    typename V::Entry entry;
    for (std::size_t at = 0; blob_.read(at, entry); at += entry.next_offset) {
      if (const auto hook = hook_at(at)) begin(kHooks[*hook], Hook{kNames[*hook], table_.priority});
      if (is_name(entry, at)) {
        begin(name_of(entry, at), std::nullopt);
      } else if (!chains_.empty()) {
        add(entry, at);
      }
    }
    return std::move(chains_);
  }

 private:
  static constexpr const char *kHooks[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
                                           "POSTROUTING"},
                              *kNames[] = {"prerouting", "input", "forward", "output",
                                           "postrouting"};
  static constexpr unsigned kHookCount = 5;

  std::optional<unsigned> hook_of(std::size_t at, const unsigned* offsets) const {
    for (unsigned hook = 0; hook < kHookCount; ++hook) {
      if ((blob_.info.valid_hooks & 1u << hook) != 0 && offsets[hook] == at) return hook;
    }
    return std::nullopt;
  }
  std::optional<unsigned> hook_at(std::size_t at) const {
    return hook_of(at, blob_.info.hook_entry);
  }
  bool is_name(const typename V::Entry& entry, std::size_t at) const {
    return std::strcmp(blob_.template target<xt_error_target>(entry, at).target.u.user.name,
                       XT_ERROR_TARGET) == 0;
  }
  std::string name_of(const typename V::Entry& entry, std::size_t at) const {
    return blob_.template target<xt_error_target>(entry, at).errorname;
  }

  void name_chains() {
    typename V::Entry entry;
    for (std::size_t at = 0; blob_.read(at, entry); at += entry.next_offset) {
      if (is_name(entry, at)) named_[at + entry.next_offset] = name_of(entry, at);
    }
  }
  void begin(std::string name, std::optional<Hook> hook) {
    chains_.push_back({V::kProgram, table_.name, std::move(name), std::move(hook), {}});
  }

  void add(const typename V::Entry& entry, std::size_t at) {
    constexpr int kAccept = -NF_ACCEPT - 1, kDrop = -NF_DROP - 1;
    const auto target = blob_.template target<xt_standard_target>(entry, at);
    const std::string name = target.target.u.user.name;
    Rule rule{tests_of<V>(entry, blob_.bytes.data() + at), Rule::Then::next, {}};
    if (name == "REJECT" || name == "DROP") rule.then = Rule::Then::drop;
    if (name.empty()) {
      if (target.verdict == kAccept) rule.then = Rule::Then::accept;
      if (target.verdict == kDrop) rule.then = Rule::Then::drop;
      if (target.verdict == XT_RETURN) rule.then = Rule::Then::return_;
      if (target.verdict >= 0) {
        rule.then = V::is_goto(entry) ? Rule::Then::go_to : Rule::Then::jump;
        rule.target = named_[static_cast<std::size_t>(target.verdict)];
      }
    }
    Chain& chain = chains_.back();
    // A chain's policy is its last rule, where a packet comes out below.
    if (chain.hook && hook_of(at, blob_.info.underflow)) {
      chain.hook->drops = rule.then == Rule::Then::drop;
    } else if (rule.then != Rule::Then::next) {
      chain.rules.push_back(std::move(rule));
    }
  }

  const Blob<V>& blob_;
  const Table& table_;
  std::map<std::size_t, std::string> named_;  ///< by their first rule
  std::vector<Chain> chains_;
};

template <class V>
void append_chains(std::vector<Chain>& chains) {
  for (const Table& table : kTables) {
    const auto blob = read_table<V>(table.name);
    if (!blob) continue;
    for (Chain& chain : Reader<V>(*blob, table).read()) chains.push_back(std::move(chain));
  }
}

}  // namespace

bool legacy_iptables_names(const std::string& link) {
  const auto blob = read_table<V4>("filter");
  if (!blob) return false;
  V4::Entry entry;
  for (std::size_t at = 0; blob->read(at, entry); at += entry.next_offset) {
    if (entry.ip.iniface == link || entry.ip.outiface == link) return true;
  }
  return false;
}

std::vector<Chain> legacy_iptables_chains() {
  std::vector<Chain> chains;
  append_chains<V4>(chains);
  append_chains<V6>(chains);
  return chains;
}

}  // namespace novaplane::node
