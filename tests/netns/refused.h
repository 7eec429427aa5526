#pragma once

#include <functional>
#include <string>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/frames.h"

/// What security groups do not let through.
namespace novaplane::netns {

/// Whom the call or the datagram did not reach, and what shows that the way is there.
struct Attempt {
  const Namespace& from;
  const Namespace& to;
  std::string address;
  int port;
  std::string protocol;
};

inline void attempt(const Attempt& call) {
  if (call.protocol == "udp") return send_datagram(call.from, call.address, call.port, "who\n");
  seen_at(call.from, call.address, call.port, Duration(1));
}

/// It does not arrive, while what is tried behind it does.
inline testing::AssertionResult refused(const Attempt& call,
                                        const std::function<bool()>& way_is_there) {
  const char* begins =
      call.protocol == "tcp" ? " and (tcp[13] & 0x12 = 2 or (ip6 and ip6[53] & 0x12 = 2))" : "";
  const auto filter = fmt::format("{} and dst port {}{}", call.protocol, call.port, begins);
  Capture sent(call.from, kAnyLink, filter), arrived(call.to, "eth0", filter);
  attempt(call);
  if (!way_is_there()) return testing::AssertionFailure() << "there is no way at all";
  if (!sent.sees()) return testing::AssertionFailure() << "it has not been sent";
  if (!way_is_there()) return testing::AssertionFailure() << "there is no way any more";
  if (arrived.count() != 0) return testing::AssertionFailure() << arrived.text();
  return testing::AssertionSuccess();
}

inline std::function<bool()> serves(const Namespace& from, const std::string& address, int port) {
  return [&from, address, port] {
    return seen_at(from, address, port).find_first_not_of("0123456789abcdef.:") ==
           std::string::npos;
  };
}

/// A question that all may ask.
inline std::function<bool()> hears(const Vm& from, const Vm& to) {
  return [&] {
    Capture asked(to, "eth0", "arp and ether src " + from.mac());
    raw::send(from, raw::ethernet("ff:ff:ff:ff:ff:ff", from.mac(), raw::kArp,
                                  raw::arp(1, from.mac(), from.address(), "ff:ff:ff:ff:ff:ff",
                                           "172.31.0.1")));
    return asked.sees();
  };
}

}  // namespace novaplane::netns
