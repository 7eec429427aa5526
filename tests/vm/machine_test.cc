#include "tests/netns/cloud_test.h"

/// The kernel under the tests of this lane has what they are here for.
namespace novaplane::netns {
namespace {

TEST(MachineTest, HasTwoVlansOnOneNic) {
  const World world;
  const Host &h1 = world.h1, &h2 = world.h2;
  for (const auto& [host, end] : {std::pair{&h1, "1"}, {&h2, "2"}}) {
    for (const std::string id : {"11", "12"}) {
      host->ip_batch("link add link eth1 name eth1." + id + " type vlan id " + id +
                     "\nlink set eth1." + id + " up\naddress add 10.9." + id + "." + end +
                     "/24 dev eth1." + id + "\n");
    }
  }
  EXPECT_TRUE(h1.pings("10.9.11.2"));
  EXPECT_TRUE(h1.pings("10.9.12.2"));
  h2.ip("link set eth1.12 down");
  h2.ip("link add link eth1 name eth1.13 type vlan id 13");
  h2.ip_batch("link set eth1.13 up\naddress add 10.9.12.2/24 dev eth1.13\n");
  EXPECT_TRUE(unanswered(h1, "10.9.12.2", "10.9.11.2")) << "frames of one VLAN arrive in another";
}

}  // namespace
}  // namespace novaplane::netns
