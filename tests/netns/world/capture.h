#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// Instead of a link's name: all links of the namespace.
constexpr const char* kAnyLink = "";

/// What passes a link, both directions, from construction on. The filter is tcpdump's language;
/// the kernel applies it, so a frame that passed before an act returned is here when it did.
class Capture {
 public:
  Capture(const Namespace& where, const std::string& link, const std::string& filter);

  std::size_t count();
  bool sees(std::size_t frames = 1, Duration deadline = kHangs);  ///< at least that many, in time
  std::string text();                                             ///< as tcpdump prints them
  const std::vector<std::string>& frames();  ///< raw, from the Ethernet header on
  void forget();                             ///< start counting anew

 private:
  Fd socket_;
  std::vector<std::string> frames_;
};

/// Frames of `filter` that pass while `act` runs, as text; empty when there were none.
std::string passes_during(const Namespace& where, const std::string& link,
                          const std::string& filter, const std::function<void()>& act);

/// True when the UDP checksum of an IPv4 frame stands in the frame itself and is right. What
/// the sending kernel left to the hardware is wrong here.
bool udp_checksum_is_valid(const std::string& frame);

}  // namespace novaplane::netns
