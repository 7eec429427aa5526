#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Not;

class AddressTest : public KernelTest {
 protected:
  /// The addresses of the bridge, as listed.
  std::vector<Address> on_bridge() {
    auto all = list<Address>(Listing::addresses);
    std::erase_if(all, [&](const Address& address) { return address.link != bridge_; });
    return all;
  }

  const int bridge_ = make_bridge("br-blue");
};

TEST_F(AddressTest, AddsOneOfOursWithItsBroadcast) {
  send(add_address(
      {.link = bridge_, .prefix = prefix("10.0.0.1/24"), .broadcast = ip("10.0.0.255")}));
  const Address expected{.link = bridge_,
                         .prefix = prefix("10.0.0.1/24"),
                         .broadcast = ip("10.0.0.255"),
                         .protocol = kOurProtocol,
                         .flags = IFA_F_PERMANENT};
  EXPECT_THAT(on_bridge(), ElementsAre(expected));
  EXPECT_THAT(drain<Seen<Address>>(), ElementsAre(expected));

  send(delete_address(expected));
  EXPECT_THAT(on_bridge(), IsEmpty());
  EXPECT_THAT(drain<Gone<Address>>(), ElementsAre(expected));
}

TEST_F(AddressTest, AddsAnIpv6AddressWithoutDuplicateDetection) {
  send(add_address({.link = bridge_, .prefix = prefix("fd00::1/64"), .flags = IFA_F_NODAD}));
  const auto addresses = on_bridge();
  ASSERT_THAT(addresses, Contains(Field(&Address::prefix, prefix("fd00::1/64"))));
  const auto& address = addresses.front();
  EXPECT_EQ(address.protocol, kOurProtocol);
  EXPECT_NE(address.flags & IFA_F_NODAD, 0u);
  EXPECT_EQ(address.flags & IFA_F_TENTATIVE, 0u);
  send(delete_address(address));
  EXPECT_THAT(on_bridge(), Not(Contains(Field(&Address::prefix, prefix("fd00::1/64")))));
}

TEST_F(AddressTest, GivesBackAnAddressAsItWasListed) {
  const Address link_local{.link = bridge_,
                           .prefix = prefix("169.254.7.1/32"),
                           .protocol = 4,
                           .scope = RT_SCOPE_LINK,
                           .flags = IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE};
  send(add_address(link_local));
  const auto listed = on_bridge();
  ASSERT_THAT(listed, ElementsAre(link_local));
  send(delete_address(listed[0]));
  send(add_address(listed[0]));
  EXPECT_THAT(on_bridge(), ElementsAre(link_local));
}

TEST_F(AddressTest, TellsOursFromTheOperators) {
  shell("ip address add 10.0.0.2/24 dev br-blue");
  send(add_address({.link = bridge_, .prefix = prefix("10.0.0.1/24")}));
  EXPECT_THAT(on_bridge(), testing::UnorderedElementsAre(Field(&Address::protocol, 0),
                                                         Field(&Address::protocol, kOurProtocol)));
}

TEST_F(AddressTest, RefusesAnAddressThatIsThere) {
  const Address address{.link = bridge_, .prefix = prefix("10.0.0.1/24")};
  send(add_address(address));
  EXPECT_EQ(socket_.send(add_address(address)).error().code, EEXIST);
  send(delete_address(address));
  EXPECT_EQ(socket_.send(delete_address(address)).error().code, EADDRNOTAVAIL);
}

TEST_F(AddressTest, ReadsTheLocalEndOfAPeerAddress) {
  shell("ip address add 10.0.0.1 peer 10.9.9.9/32 dev br-blue");
  EXPECT_THAT(on_bridge(), ElementsAre(Field(&Address::prefix, prefix("10.0.0.1/32"))));
}

}  // namespace
}  // namespace novaplane::netlink
