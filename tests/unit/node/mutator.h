#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/netlink/request.h"
#include "dataplane/netlink/socket.h"
#include "tests/support/deadline.h"

/// Somebody else, who adds and removes addresses, routes, neighbours and next hops of a NIC at
/// random, and who follows them when they move.
namespace novaplane::node {

/// Things that are there or not; a step turns one of them round. Where they stand is not its
/// business: it asks on the NIC and on the bridge until one of both takes its word. The same seed
/// and number of steps leave the same, wherever the things have been meanwhile.
class Mutator {
 public:
  static constexpr int kOfEachKind = 3;
  enum Kind { address4, address6, route4, route6, neighbour4, neighbour6, hop4, hop6, kKinds };
  static constexpr int kThings = kKinds * kOfEachKind;

  explicit Mutator(unsigned seed) : random_(seed) {}

  /// False: nobody took its word for a long time: a thing is lost, or cannot be gone.
  bool step() {
    const auto end = std::chrono::steady_clock::now() + test::kHangs;
    while (!try_step()) {
      if (std::chrono::steady_clock::now() < end) continue;
      complaint_ = fmt::format("cannot turn {} round: {}", name_of(thing_), last_error_);
      return false;
    }
    return true;
  }
  /// The same, but each of both links is asked once. False: neither took it, and the next call asks
  /// for the same.
  bool try_step() {
    if (thing_ < 0) {
      thing_ = static_cast<int>(random_() % kThings);
      first_ = static_cast<int>(random_() % 2);
    }
    const bool is_done = try_turn(thing_, first_);
    if (is_done) thing_ = -1;
    return is_done;
  }
  /// Turns one thing round, on the NIC (`first` is even) or else on the bridge, or the other way.
  bool try_turn(int thing, int first) {
    const bool adds = !present_[static_cast<std::size_t>(thing)];
    for (int attempt = first; attempt < first + 2; ++attempt) {
      const std::string name = attempt % 2 == 0 ? "eth1" : "br-blue";
      const auto link = socket_.index_of(name);
      if (!link || !send(thing, *link, adds)) continue;
      done_.push_back(fmt::format("{} {} on {}", adds ? "add" : "remove", name_of(thing), name));
      present_[static_cast<std::size_t>(thing)] = adds;
      return true;
    }
    return false;
  }
  /// What it has done, for people.
  const std::vector<std::string>& done() const { return done_; }
  const std::string& complaint() const { return complaint_; }

 private:
  static std::string name_of(int thing) {
    constexpr const char* kNames[] = {"address4",   "address6",   "route4", "route6",
                                      "neighbour4", "neighbour6", "hop4",   "hop6"};
    return fmt::format("{} {}", kNames[thing / kOfEachKind], thing % kOfEachKind);
  }
  bool send(int thing, int link, bool adds) {
    const auto number = static_cast<std::uint32_t>(thing % kOfEachKind);
    const int kind = thing / kOfEachKind;
    if (kind == address4 && !adds && is_alone(link)) return false;
    if (kind == hop4) return send_hop(400 + number, "198.18.5.2", link, adds);
    if (kind == hop6) return send_hop(600 + number, "2001:db8:5::2", link, adds);
    const auto done = socket_.send(request(thing, link, adds));
    if (!done) last_error_ = done.error().message();
    return done.has_value();
  }

  /// With its last IPv4 address a link loses all static neighbours of that family
  /// (net/ipv4/fib_frontend.c, fib_disable_ip), which an untouched NIC never does here: it waits
  /// until the others are there.
  bool is_alone(int link) {
    int addresses = 0;
    (void)socket_.dump(netlink::Listing::addresses, [&](netlink::Observation&& told) {
      const auto* seen = std::get_if<netlink::Seen<netlink::Address>>(&told);
      if (seen && seen->value.link == link && seen->value.prefix.address.is_v4()) ++addresses;
    });
    last_error_ = "it is the last one of its link";
    return addresses == 1;
  }

  static IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

  static netlink::Request address(const std::string& text, unsigned char length, int link,
                                  bool adds) {
    const netlink::Address value{.link = link,
                                 .prefix = {ip(text), length},
                                 .protocol = RTPROT_STATIC,
                                 .flags = ip(text).is_v4() ? 0u : IFA_F_NODAD};
    return adds ? netlink::add_address(value) : netlink::delete_address(value);
  }
  static netlink::Request route(const std::string& text, unsigned char length,
                                const std::string& gateway, int link, bool adds) {
    const netlink::Route value{.destination = {ip(text), length},
                               .protocol = RTPROT_STATIC,
                               .metric = 77,
                               .link = link,
                               .gateway = ip(gateway)};
    return adds ? netlink::add_route(value, netlink::RouteHow::create)
                : netlink::delete_route(value);
  }
  static netlink::Request neighbour(const std::string& text, int link, bool adds) {
    const netlink::Neighbour value{.link = link,
                                   .address = ip(text),
                                   .mac = Mac{{2, 0, 0, 0, 0, 9}},
                                   .protocol = RTPROT_STATIC};
    if (!adds) return netlink::delete_neighbour(value);
    auto request = netlink::add_neighbour(value);
    // As `ip neighbour add`: what replaces the same with the same is told to nobody.
    request.header().nlmsg_flags ^= NLM_F_REPLACE | NLM_F_EXCL;
    return request;
  }
  /// The library that the data plane rests on makes no next hops by itself.
  bool send_hop(std::uint32_t id, const std::string& gateway, int link, bool adds) {
    struct Message {
      nlmsghdr header{};
      nhmsg hop{};
      unsigned char attributes[64]{};
    } message;
    std::size_t size = offsetof(Message, attributes);
    const auto put = [&](unsigned short type, const void* data, std::size_t length) {
      auto* attribute = reinterpret_cast<rtattr*>(reinterpret_cast<char*>(&message) + size);
      *attribute = {static_cast<unsigned short>(RTA_LENGTH(length)), type};
      std::memcpy(RTA_DATA(attribute), data, length);
      size += RTA_SPACE(length);
    };
    const IpAddress address = ip(gateway);
    put(NHA_ID, &id, sizeof(id));
    if (adds) put(NHA_OIF, &link, sizeof(link));
    if (adds) put(NHA_GATEWAY, address.bytes().data(), address.bytes().size());
    if (adds) message.hop.nh_protocol = RTPROT_STATIC;
    if (adds) message.hop.nh_family = static_cast<unsigned char>(address.family());
    const int flags = NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0);
    message.header = {static_cast<std::uint32_t>(size),
                      static_cast<std::uint16_t>(adds ? RTM_NEWNEXTHOP : RTM_DELNEXTHOP),
                      static_cast<std::uint16_t>(flags), 1, 0};
    struct {
      nlmsghdr header;
      nlmsgerr error;
      char rest[512];
    } answer{};
    if (::send(hops_.get(), &message, size, 0) < 0) return false;
    if (::recv(hops_.get(), &answer, sizeof(answer), 0) <= 0) return false;
    last_error_ = "next hop: " + std::to_string(answer.error.error);
    return answer.error.error == 0;
  }

  static netlink::Request request(int thing, int link, bool adds) {
    const int number = thing % kOfEachKind;
    const std::string n = std::to_string(number);
    switch (static_cast<Kind>(thing / kOfEachKind)) {
      case address4:
        return address("198.18.1" + n + ".1", 24, link, adds);
      case address6:
        return address("2001:db8:1" + n + "::1", 64, link, adds);
      case route4:
        return route("10.1." + n + ".0", 24, "198.18.5.2", link, adds);
      case route6:
        return route("2001:db8:a" + n + "::", 48, "2001:db8:5::2", link, adds);
      case neighbour4:
        return neighbour("198.18.5.10" + n, link, adds);
      case neighbour6:
        return neighbour("2001:db8:5::10" + n, link, adds);
      case hop4:
      case hop6:
      case kKinds:
        break;
    }
    return neighbour("198.18.5.99", link, adds);  // never
  }

  netlink::Socket socket_ = netlink::Socket::open().value();
  Fd hops_{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  std::mt19937 random_;
  int thing_ = -1, first_ = 0;  ///< what the step under way is about; negative: none is
  std::vector<bool> present_ = std::vector<bool>(kThings, false);
  std::string complaint_, last_error_;
  std::vector<std::string> done_;
};

/// The same on a thread of its own, until it is stopped: a step each time that one is allowed,
/// beside whatever goes on then.
class Mutation {
 public:
  explicit Mutation(unsigned seed) : mutator_(seed), thread_([this] { run(); }) {}
  ~Mutation() { stop(); }

  /// The number of steps that it has made; -1: one has failed.
  int stop() {
    stop_ = true;
    allow();
    if (thread_.joinable()) thread_.join();
    return failed_ ? -1 : steps_;
  }
  const std::string& complaint() const { return mutator_.complaint(); }
  void allow() {
    ++allowed_;
    allowed_.notify_one();
  }

 private:
  void run() {
    while (!failed_) {
      allowed_.wait(steps_);
      if (stop_) return;
      failed_ = !mutator_.step();
      ++steps_;
    }
  }

  std::atomic<bool> stop_ = false;
  bool failed_ = false;
  int steps_ = 0;
  std::atomic<int> allowed_ = 0;
  Mutator mutator_;
  std::thread thread_;
};

}  // namespace novaplane::node
