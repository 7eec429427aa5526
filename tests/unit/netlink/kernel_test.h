#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "dataplane/netlink/monitor.h"
#include "dataplane/netlink/request.h"
#include "dataplane/netlink/socket.h"
#include "tests/support/netns.h"

namespace novaplane::netlink {

inline IpAddress ip(const char* text) { return *IpAddress::parse(text); }
inline Prefix prefix(const char* text) { return *Prefix::parse(text); }
inline Mac mac(const char* text) { return *Mac::parse(text); }

/// Failed expectations show links in words.
inline void PrintTo(const Link& link, std::ostream* out) {
  *out << fmt::format(
      "{} {} ({}) {} mtu {} group {:#x} master {} parent {}{}{} alias '{}' ipv6 {} localnet {} "
      "arp_ignore {} stp {} delay {} hairpin {}",
      link.index, link.name, link.kind, link.mac, link.mtu, link.group, link.master, link.parent,
      link.up ? " up" : "", link.carrier ? " carrier" : "", link.alias, link.ipv6,
      link.route_localnet, link.arp_ignore, link.stp, link.forward_delay, link.hairpin);
}

/// A network namespace with a socket that changes and lists, and a monitor that hears.
class KernelTest : public testing::Test {
 protected:
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  int index(const std::string& name) const { return socket_.index_of(name).value_or(-1); }

  /// Sends one request that must succeed.
  void send(const Request& request) {
    const auto result = socket_.send(request);
    ASSERT_TRUE(result) << result.error().message();
  }

  /// A bridge that is up, without IPv6 addresses of its own making.
  int make_bridge(const std::string& name) {
    send(create_bridge(name, mac("02:00:00:00:00:01")));
    shell("echo 1 > /proc/sys/net/ipv6/conf/" + name + "/addr_gen_mode");
    send(set_link(name, {.up = true}));
    return index(name);
  }

  template <class T>
  std::vector<T> list(Listing what) {
    std::vector<T> values;
    const auto done = socket_.dump(what, [&](Observation&& observation) {
      values.push_back(std::move(std::get<Seen<T>>(observation).value));
    });
    EXPECT_TRUE(done) << done.error().message();
    return values;
  }

  /// What was heard since the last call, of one sort: Seen<Link>, Gone<Route>...
  template <class Sort>
  auto drain() {
    std::vector<decltype(Sort::value)> values;
    const auto complete = monitor_.drain([&](Observation&& observation) {
      if (auto* event = std::get_if<Sort>(&observation)) values.push_back(std::move(event->value));
    });
    EXPECT_TRUE(complete.has_value() && *complete);
    return values;
  }

  Link link(const std::string& name) {
    const auto result = socket_.link(index(name));
    EXPECT_TRUE(result) << result.error().message();
    return result.value_or(Link{});
  }

  test::NetworkNamespace netns_;
  Socket socket_ = Socket::open().value();
  Monitor monitor_ = Monitor::open().value();
};

}  // namespace novaplane::netlink
