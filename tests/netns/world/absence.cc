#include "tests/netns/world/absence.h"

#include <functional>

#include <fmt/format.h>

#include "tests/netns/world/capture.h"
#include "tests/netns/world/peers.h"

namespace novaplane::netns {
namespace {

/// The echo request itself, or the question who has the address.
std::string asks_for(const std::string& address) {
  const bool is_ipv6 = address.find(':') != std::string::npos;
  return fmt::format("dst host {}{}", address,
                     is_ipv6 ? " or (icmp6 and ip6[40] = 135)" : std::string());
}

testing::AssertionResult gets_nothing(const Namespace& from, const std::string& address,
                                      const std::string& asked, const std::string& answers,
                                      const std::string& control,
                                      const std::function<void()>& ask) {
  constexpr int kControls = 2;  // the first one may overtake, by another processor
  const auto no_control = [&] {
    return testing::AssertionFailure() << "the control " << control << " does not answer";
  };
  Capture questions(from, kAnyLink, asked), replies(from, kAnyLink, answers);
  if (!from.pings(control)) return no_control();
  ask();
  for (int i = 0; i < kControls; ++i)
    if (!from.pings(control)) return no_control();
  if (questions.count() == 0)
    return testing::AssertionFailure() << "nobody asks for " << address << ": no route?";
  if (replies.count() != 0) return testing::AssertionFailure() << replies.text();
  return testing::AssertionSuccess();
}

}  // namespace

testing::AssertionResult unanswered(const Namespace& from, const std::string& address,
                                    const std::string& control) {
  return gets_nothing(from, address, asks_for(address), "(icmp or icmp6) and src host " + address,
                      control, [&] {
                        from.run({"ping", "-n", "-q", "-c", "1", "-W", "0.01", address});
                      });
}

testing::AssertionResult unserved(const Namespace& from, const std::string& address, int port,
                                  const std::string& control) {
  const std::string answers = fmt::format(
      "src host {0} and ((tcp or udp) and src port {1} or icmp[icmptype] = icmp-unreach)", address,
      port);
  return gets_nothing(from, address, asks_for(address), answers, control, [&] {
    send_datagram(from, address, port, "who\n");
    seen_at(from, address, port, Duration(1));
  });
}

}  // namespace novaplane::netns
