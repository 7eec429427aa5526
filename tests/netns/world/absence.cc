#include "tests/netns/world/absence.h"

#include <fmt/format.h>

#include "tests/netns/world/capture.h"

namespace novaplane::netns {
namespace {

/// The echo request itself, or the question who has the address.
std::string asks_for(const std::string& address) {
  const bool is_ipv6 = address.find(':') != std::string::npos;
  return fmt::format("dst host {}{}", address,
                     is_ipv6 ? " or (icmp6 and ip6[40] = 135)" : std::string());
}

}  // namespace

testing::AssertionResult unanswered(const Namespace& from, const std::string& address,
                                    const std::string& control) {
  constexpr int kControls = 2;  // the first one may overtake, by another processor
  const auto no_control = [&] {
    return testing::AssertionFailure() << "the control " << control << " does not answer";
  };
  Capture asked(from, kAnyLink, asks_for(address));
  Capture answers(from, kAnyLink, "(icmp or icmp6) and src host " + address);
  if (!from.pings(control)) return no_control();
  from.run({"ping", "-n", "-q", "-c", "1", "-W", "0.01", address});
  for (int i = 0; i < kControls; ++i)
    if (!from.pings(control)) return no_control();
  if (asked.count() == 0)
    return testing::AssertionFailure() << "nobody asks for " << address << ": no route?";
  if (answers.count() != 0) return testing::AssertionFailure() << answers.text();
  return testing::AssertionSuccess();
}

}  // namespace novaplane::netns
