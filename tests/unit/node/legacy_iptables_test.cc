#include "dataplane/node/legacy_iptables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>  // before the kernel's headers, which then leave out what it has
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <cstring>
#include <string>
#include <vector>

#include "dataplane/node/self_check.h"
#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int kAccept = -NF_ACCEPT - 1, kDrop = -NF_DROP - 1;

/// The table filter as iptables-legacy writes it: the blob that the kernel itself checks. INPUT has
/// the rules and a policy that drops; behind FORWARD and OUTPUT comes a chain `user`.
class Table {
 public:
  /// A rule's link as iptables has it: its mask covers the name and its end, or what is before `+`.
  struct Rule {
    std::string link = {};
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;
    int verdict = kAccept;
    bool goes = false, negated = false;
  };

  Table& input(Rule rule) {
    input_.push_back(std::move(rule));
    return *this;
  }
  Table& user(Rule rule) {
    user_.push_back(std::move(rule));
    return *this;
  }
  static constexpr int kToUser = 1'000'000;  ///< a verdict: jump there

  /// False: this kernel has no such tables.
  bool load() {
    const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    ipt_getinfo info{};
    std::strcpy(info.name, "filter");
    socklen_t size = sizeof info;
    if (getsockopt(socket.get(), IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) != 0) return false;
    write();
    std::vector<xt_counters> counters(info.num_entries);
    std::vector<char> request(sizeof(ipt_replace) + blob_.size());
    ipt_replace head{};
    std::strcpy(head.name, "filter");
    head.valid_hooks = info.valid_hooks;
    head.num_entries = count_;
    head.size = static_cast<unsigned>(blob_.size());
    std::copy(std::begin(begins_), std::end(begins_), head.hook_entry);
    std::copy(std::begin(policies_), std::end(policies_), head.underflow);
    head.num_counters = info.num_entries;
    head.counters = counters.data();
    std::memcpy(request.data(), &head, sizeof head);
    std::memcpy(request.data() + sizeof head, blob_.data(), blob_.size());
    const int done = setsockopt(socket.get(), IPPROTO_IP, IPT_SO_SET_REPLACE, request.data(),
                                static_cast<socklen_t>(request.size()));
    EXPECT_EQ(done, 0) << std::strerror(errno);
    return done == 0;
  }

 private:
  template <class T>
  static void append(std::string& to, const T& value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
    to.resize(XT_ALIGN(to.size()));
  }

  static std::string udp_match(std::uint16_t port) {
    xt_entry_match match{};
    match.u.user.match_size = XT_ALIGN(sizeof match) + XT_ALIGN(sizeof(xt_udp));
    std::strcpy(match.u.user.name, "udp");
    std::string bytes;
    append(bytes, match);
    append(bytes, xt_udp{{0, 0xffff}, {port, port}, 0});
    return bytes;
  }

  void add(const Rule& rule, const std::string& target) {
    ipt_entry entry{};
    const std::size_t length = rule.link.size();
    const bool is_wild = rule.link.ends_with('+');
    rule.link.copy(entry.ip.iniface, IFNAMSIZ - 1);
    if (length != 0) std::memset(entry.ip.iniface_mask, 0xff, is_wild ? length - 1 : length + 1);
    if (rule.negated) entry.ip.invflags = IPT_INV_VIA_IN;
    if (rule.goes) entry.ip.flags = IPT_F_GOTO;
    entry.ip.proto = rule.protocol;
    const std::string matches = rule.port != 0 ? udp_match(rule.port) : "";
    entry.target_offset = static_cast<std::uint16_t>(sizeof entry + matches.size());
    entry.next_offset = static_cast<std::uint16_t>(entry.target_offset + target.size());
    blob_.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    blob_ += matches + target;
    ++count_;
  }
  void add(const Rule& rule) {
    xt_standard_target target{};
    target.target.u.user.target_size = XT_ALIGN(sizeof target);
    target.verdict = rule.verdict == kToUser ? static_cast<int>(user_at_) : rule.verdict;
    std::string bytes;
    append(bytes, target);
    add(rule, bytes);
  }
  void add_name(const std::string& name) {
    xt_error_target target{};
    target.target.u.user.target_size = XT_ALIGN(sizeof target);
    std::strcpy(target.target.u.user.name, XT_ERROR_TARGET);
    name.copy(target.errorname, sizeof target.errorname - 1);
    std::string bytes;
    append(bytes, target);
    add({}, bytes);
  }
  void add_hook(unsigned hook, const std::vector<Rule>& rules, int policy) {
    begins_[hook] = static_cast<unsigned>(blob_.size());
    for (const Rule& rule : rules) add(rule);
    policies_[hook] = static_cast<unsigned>(blob_.size());
    add({.verdict = policy});
  }
  void write_once() {
    blob_.clear();
    count_ = 0;
    add_hook(NF_INET_LOCAL_IN, input_, kDrop);
    add_hook(NF_INET_FORWARD, {}, kAccept);
    add_hook(NF_INET_LOCAL_OUT, {}, kAccept);
    add_name("user");
    user_at_ = blob_.size();
    for (const Rule& rule : user_) add(rule);
    add({.verdict = XT_RETURN});
    add_name(XT_ERROR_TARGET);
  }
  /// The second time it is known where the chain is.
  void write() {
    write_once();
    write_once();
  }

  std::vector<Rule> input_, user_;
  std::string blob_;
  unsigned count_ = 0, begins_[NF_INET_NUMHOOKS] = {}, policies_[NF_INET_NUMHOOKS] = {};
  std::size_t user_at_ = 0;
};

class LegacyIptables : public testing::Test {
 protected:
  LegacyIptables() {
    NetworkRow blue;
    blue.name = "blue";
    blue.bridge = "br-blue";
    blue.serves_dhcp = true;
    blue.addresses = {*Prefix::parse("10.0.0.1/24")};
    show_.networks.push_back(blue);
  }
  /// What is lost to guests; "" where nothing is, "?" where the kernel has no such tables.
  std::string lost(Table table) {
    if (!table.load()) return "?";
    const auto found = self_check(show_);
    return found.empty() ? "" : found.front();
  }

  test::NetworkNamespace netns_;
  Show show_;
};

TEST_F(LegacyIptables, AreReadAsTheKernelHasThem) {
  EXPECT_THAT(self_check(show_), IsEmpty());
  const auto dropped = lost(Table());
  if (dropped == "?") GTEST_SKIP() << "this kernel has no ip_tables";
  EXPECT_THAT(dropped, AllOf(HasSubstr("iptables-legacy, table filter, chain INPUT (hook input"),
                             HasSubstr("DHCP (udp 67), DNS (port 53)"), HasSubstr("policy drop")));
  EXPECT_EQ(lost(Table().input({.link = "br-blue"})), "");
  EXPECT_EQ(lost(Table().input({.link = "br-+"})), "") << "iptables keeps the + in the name";
  EXPECT_EQ(lost(Table().input({.link = "+"})), "");
  EXPECT_THAT(lost(Table().input({.link = "br-green"})), HasSubstr("DHCP"));
  EXPECT_THAT(lost(Table().input({.link = "br-g+"})), HasSubstr("DHCP"));
  EXPECT_THAT(lost(Table().input({.link = "br-blue", .negated = true})), HasSubstr("DHCP"));
  EXPECT_EQ(lost(Table().input({.link = "eth0", .negated = true})), "");
}

TEST_F(LegacyIptables, ChainsAndPortsAreLookedInto) {
  const auto jump = Table().input({.verdict = Table::kToUser}).user({.link = "br-blue"});
  if (lost(jump) == "?") GTEST_SKIP() << "this kernel has no ip_tables";
  EXPECT_EQ(lost(jump), "");
  EXPECT_EQ(lost(Table().input({.verdict = Table::kToUser, .goes = true}).user({.link = "br-+"})),
            "");
  EXPECT_THAT(lost(Table().input({.verdict = Table::kToUser})), HasSubstr("DHCP"));
  const auto dhcp = lost(Table().input({.protocol = IPPROTO_UDP, .port = 67}));
  EXPECT_THAT(dhcp, AllOf(HasSubstr("DNS (port 53)"), Not(HasSubstr("DHCP"))));
  EXPECT_EQ(lost(Table()
                     .input({.protocol = IPPROTO_ICMP})
                     .input({.protocol = IPPROTO_UDP, .port = 67})
                     .input({.protocol = IPPROTO_UDP, .port = 53})),
            "");
}

}  // namespace
}  // namespace novaplane::node
