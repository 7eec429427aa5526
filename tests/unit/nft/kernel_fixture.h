#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/nft/client.h"
#include "tests/support/netns.h"
#include "tests/unit/nft/reference.h"

namespace novaplane::nft {

/// A network namespace of its own, a client in it, and the `nft` program as the other party.
class KernelTest : public testing::Test {
 protected:
  using Elements = std::vector<std::pair<ElementKey, Element>>;

  static IpAddress ip(const char* text) { return *IpAddress::parse(text); }
  static ElementKey fixed_key(const char* address) {
    return {{Family::inet, "fixed_to_floating"}, Bytes().address(ip(address)).take()};
  }
  static std::pair<ElementKey, Element> floating(const char* address, const char* fixed) {
    return {{{Family::inet, "floating_to_fixed"}, Bytes().address(ip(address)).take()},
            {Bytes().address(ip(fixed)).take(), std::string("floating IP ") + address}};
  }
  static std::pair<ElementKey, Element> managed(const char* bridge) {
    return {{{Family::inet, "managed"}, Bytes().ifname(bridge).take()},
            {"", std::string("network ") + bridge}};
  }
  static std::pair<ElementKey, Element> no_snat(const char* first, const char* last) {
    return {{{Family::inet, "no_snat"},
             Bytes().address(ip(first)).take(),
             Bytes().address(ip(last)).take()},
            {"", "no_snat"}};
  }
  static std::pair<ElementKey, Element> to_bridge(const char* tap, const char* from,
                                                  const char* to) {
    return {{{Family::bridge, "to_bridge"}, Bytes().ifname(tap).mac(*Mac::parse(from)).take()},
            {Bytes().mac(*Mac::parse(to)).take(), std::string("port ") + tap}};
  }

  static std::pair<ElementKey, Element> guest_limit(const char* tap, std::uint64_t rate,
                                                    std::uint32_t burst) {
    return {{{Family::bridge, "guest_limits"}, Bytes().ifname(tap).take()},
            {Bytes().limit(rate, burst).take(), std::string("port ") + tap}};
  }

  /// Brings the kernel to the ruleset and these elements, as the engine does.
  void program(const Elements& elements) {
    const auto observed = client_.observe();
    ASSERT_TRUE(observed) << observed.error().message();
    const auto written = client_.commit(
        {observed->generation, compare(*client_.ruleset(), observed->tables), {}, elements});
    ASSERT_TRUE(written) << written.error().error.message();
  }

  /// What of the client's ruleset the kernel does not have as it should.
  static RulesetRepair repair_of(Client& client) {
    const auto observed = client.observe();
    EXPECT_TRUE(observed) << observed.error().message();
    return observed ? compare(*client.ruleset(), observed->tables) : RulesetRepair{};
  }
  RulesetRepair broken() { return repair_of(client_); }

  Elements seen() {
    const auto observed = client_.observe();
    EXPECT_TRUE(observed) << observed.error().message();
    return observed ? observed->elements : Elements{};
  }

  static std::string output(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"),
                                                     pclose);
    std::string text;
    std::array<char, 4096> part;
    for (std::size_t size; (size = fread(part.data(), 1, part.size(), pipe.get())) > 0;) {
      text.append(part.data(), size);
    }
    return text;
  }

  /// Runs `nft`, which must succeed silently.
  static void nft(const std::string& command) { EXPECT_EQ(output("nft '" + command + "'"), ""); }

  test::NetworkNamespace netns_;
  Client client_ = *Client::open(share(reference_ruleset()));
};

}  // namespace novaplane::nft
