#pragma once

#include <regex>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/probe.h"
#include "tests/netns/world/talk.h"

/// A NIC that carries the host itself becomes the port of a bridge, and leaves it: its addresses
/// and routes move with everything that they are, and nobody who talks to the host notices.
///
/// h1's eth1 has addresses; its neighbour is h2's eth1, which is never brought up.
namespace novaplane::netns {

/// Generous, since others may have the machine; the figure itself is a benchmark's.
constexpr Duration kUnnoticed = 500ms;

class NicMigrationTest : public CloudTest {
 protected:
  NicMigrationTest() {
    h2.ip_batch(
        "address add 198.18.5.2/24 dev eth1\n"
        "address add 2001:db8:5::2/64 dev eth1 nodad\n");
    h1.ip_batch(
        "address add 198.18.5.1/24 brd + dev eth1\n"
        "address add 198.18.5.7/24 dev eth1 label eth1:7\n"
        "address add 2001:db8:5::1/64 dev eth1\n");
    eventually([&] { return h1.ip("-6 address show tentative").empty(); });
    world.write();
  }

  /// Everything else that a link can carry.
  void add_all_kinds() {
    h1.ip_batch(
        "address add 198.18.6.1/24 dev eth1 noprefixroute metric 70\n"
        "address add 10.250.0.1 peer 10.250.0.2/32 dev eth1\n"
        "address add 169.254.7.7/16 dev eth1 scope link\n"
        "address add 2001:db8:5::7/64 dev eth1 nodad noprefixroute home\n"
        "route add 10.200.0.0/16 via 198.18.5.2 dev eth1 metric 50 src 198.18.5.7 mtu 1400\n"
        "route add 10.200.0.0/16 via 198.18.5.3 dev eth1 metric 51 proto 77\n"
        "route add 10.201.0.0/16 dev eth1 scope link\n"
        "route add 10.202.0.0/16 via 203.0.113.77 dev eth1 onlink\n"
        "route add 10.203.0.0/16 nexthop via 198.18.5.2 dev eth1 weight 3 nexthop via 192.0.2.1 "
        "dev eth0 weight 1\n"
        "route add 10.204.0.0/16 via 198.18.5.2 dev eth1 table 99\n"
        "route append default via 198.18.5.2 dev eth1\n"
        "route add default via 198.18.5.2 dev eth1 metric 9\n"
        "nexthop add id 7 via 198.18.5.2 dev eth1\n"
        "route add 10.205.0.0/16 nhid 7\n"
        "neighbour add 198.18.5.99 lladdr 02:00:00:00:00:99 dev eth1 nud permanent\n"
        "neighbour add proxy 198.18.5.98 dev eth1\n");
    h1.ip_batch(
        "route add 2001:db8:200::/48 via 2001:db8:5::2 dev eth1 metric 77\n"
        "route add 2001:db8:201::/48 nexthop via 2001:db8:5::2 dev eth1 nexthop via "
        "2001:db8:5::3 dev eth1\n"
        "route add default via 2001:db8:5::2 dev eth1\n"
        "neighbour add 2001:db8:5::99 lladdr 02:00:00:00:00:99 dev eth1 nud permanent\n");
    // Its route into the local table comes from a worker of the kernel's (addrconf_dad_work).
    EXPECT_TRUE(eventually([&] {
      return h1.ip("-6 route show table local").find("local 2001:db8:5::7 ") != std::string::npos;
    }));
  }

  /// What stands on a link, the link's own name and what changes by itself left out.
  std::vector<std::string> carried(const std::string& link) {
    std::vector<std::string> lines;
    for (const std::string words :
         {"-o -d address show dev {}", "-d route show table all", "-6 -d route show table all",
          "neighbour show dev {} nud permanent", "neighbour show proxy dev {}", "nexthop show"}) {
      for (const auto& line : lines_of(h1.ip(fmt::format(fmt::runtime(words), link)))) {
        if (line.find(" " + link + " ") == std::string::npos) continue;
        if (line.find("proto 110") != std::string::npos) continue;
        if (line.find("10.0.0.") != std::string::npos) continue;
        if (line.find("ff00::/8") != std::string::npos) continue;
        static const std::regex ages(R"(^\d+:|expires \S+|valid_lft \S+|preferred_lft \S+)");
        const std::regex own(fmt::format(R"(\b{}\b(?!:))", link));
        lines.push_back(std::regex_replace(std::regex_replace(line, ages, ""), own, "LINK"));
      }
    }
    std::ranges::sort(lines);
    return lines;
  }

  /// The kernel's workers have the last word: local routes of IPv6 addresses, and "linkdown" where
  /// a bridge was up already (before 6.8).
  std::vector<std::string> carried_at_last(const std::string& link,
                                           const std::vector<std::string>& wanted) {
    return eventually_equal(wanted, [&] { return carried(link); });
  }
  std::string difference_at_last(const Snapshot& before) {
    return eventually_equal(std::string(),
                            [&] { return Snapshot::difference(before, Snapshot(h1)); });
  }
};

}  // namespace novaplane::netns
