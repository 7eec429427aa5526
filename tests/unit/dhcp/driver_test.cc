#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/files.h"
#include "tests/unit/dhcp/site.h"

namespace novaplane::dhcp {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char *kMacB = "fa:16:3e:00:00:0b", *kMacC = "fa:16:3e:00:00:0c";
constexpr const char* kReload = "cleared cache";  // dnsmasq's word at its start and at SIGHUP

/// What guests see.
class Dnsmasq : public Site {};

/// For the address of a name of one label below "example" (RFC 1035, 4.1).
std::string question_for(const std::string& label) {
  std::string text("\0\1\1\0\0\1\0\0\0\0\0\0", 12);
  text += static_cast<char>(label.size()) + label;
  return text + std::string("\7example\0\0\1\0\1", 13);
}

TEST_F(Dnsmasq, AGuestIsGivenWhatItsNetworkSays) {
  auto blue = make_network("blue", 0);
  blue.mtu = 1450;
  blue.dhcp.routes = {{*Prefix::parse("10.9.0.0/16"), *IpAddress::parse("10.0.0.254")}};
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  EXPECT_EQ(converge(), 3u);

  auto given = lease("blue", kMacA);
  ASSERT_TRUE(given);
  EXPECT_EQ((*given)["ip"], "10.0.0.10");
  EXPECT_EQ((*given)["mask"], "24");
  EXPECT_EQ((*given)["router"], "10.0.0.1");
  EXPECT_EQ((*given)["dns"], "10.0.0.1");
  EXPECT_EQ((*given)["mtu"], "1450");
  EXPECT_EQ((*given)["domain"], "novalocal");
  EXPECT_EQ((*given)["hostname"], "web1");
  EXPECT_EQ((*given)["lease"], "86400");
  EXPECT_EQ((*given)["staticroutes"], "10.9.0.0/16 10.0.0.254 0.0.0.0/0 10.0.0.1");
}

TEST_F(Dnsmasq, TheDocumentsOptionsAreGivenInsteadOfOurs) {
  auto blue = make_network("blue", 0);
  blue.dhcp.options = {{"mtu", "1300"}, {"6", "10.0.0.5,10.0.0.6"}, {"domain-name", "elsewhere"}};
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  auto given = lease("blue", kMacA);
  ASSERT_TRUE(given);
  EXPECT_EQ((*given)["mtu"], "1300");
  EXPECT_EQ((*given)["dns"], "10.0.0.5 10.0.0.6");
  EXPECT_EQ((*given)["domain"], "elsewhere");
}

/// What is written is what is sent, whatever the value looks like.
TEST_F(Dnsmasq, OptionsArriveAsTheDocumentHasThem) {
  auto blue = make_network("blue", 0);
  const std::string odd = "10, \"a\\b\" # c:d e";
  blue.dhcp.options = {{"26", "1442"},        {"T1", "2m"},
                       {"35", "4294967295"},  {"224", "\"10\""},
                       {"225", odd},          {"226", "01:02:ff"},
                       {"227", "70000"},      {"228", "10.0.0.1, 10.0.0.2"},
                       {"time-offset", "-1"}, {"bootfile-name", "x,y"}};
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  std::string asked;
  for (const int code : {26, 58, 35, 224, 225, 226, 227, 228, 2, 67}) {
    asked += fmt::format(" -O {}", code);
  }
  const std::string out = folder_ + "/given";
  guest_says(
      fmt::format("ip link set gblue address {} && OUT={} exec busybox udhcpc -i gblue -f -n "
                  "-q -t 8 -T 1 -s {}/script{}",
                  kMacA, out, folder_, asked));
  const std::string given = "\n" + read_whole(out).value_or("");
  const auto hex = [](std::string_view text) {
    std::string digits;
    for (const char c : text) digits += fmt::format("{:02x}", c);
    return digits;
  };
  for (const std::string& line :
       {std::string("mtu=1442"), std::string("opt58=00000078"), std::string("opt35=ffffffff"),
        std::string("opt224=3130"), "opt225=" + hex(odd), std::string("opt226=0102ff"),
        std::string("opt227=00011170"), std::string("opt228=0a0000010a000002"),
        std::string("timezone=4294967295"), std::string("bootfile=x,y")}) {
    EXPECT_THAT(given, HasSubstr("\n" + line + "\n"));
  }
}

/// More than fit into a line of dnsmasq's configuration as people write them, and as many as fit
/// into a client's message beside the other options.
TEST_F(Dnsmasq, ManyRoutesArrive) {
  auto blue = make_network("blue", 0);
  for (std::uint32_t i = 0; i < 27; ++i) {
    blue.dhcp.routes.push_back(
        {{IpAddress::v4(0xc8c86400 + (i << 8)), 24}, IpAddress::v4(0xc0a864c8)});
  }
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  auto given = lease("blue", kMacA);
  ASSERT_TRUE(given);
  EXPECT_THAT((*given)["staticroutes"],
              AllOf(HasSubstr("200.200.100.0/24 192.168.100.200 "),
                    HasSubstr(" 200.200.126.0/24 192.168.100.200 0.0.0.0/0 10.0.0.1")));
}

TEST_F(Dnsmasq, AnUnknownMacIsGivenNothing) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  EXPECT_FALSE(lease("blue", kMacB, /*tries=*/1));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Dnsmasq, APortWithoutDefaultRouteIsToldNoRouter) {
  auto blue = make_network("blue", 0);
  blue.dhcp.routes = {{*Prefix::parse("10.9.0.0/16"), *IpAddress::parse("10.0.0.254")}};
  want(blue);
  entries_[{"dhcp/blue", "host web1"}].line = fmt::format("{},set:no-router,10.0.0.10,web1", kMacA);
  converge();
  auto given = lease("blue", kMacA);
  ASSERT_TRUE(given);
  EXPECT_FALSE(given->contains("router"));
  EXPECT_EQ((*given)["staticroutes"], "10.9.0.0/16 10.0.0.254");
}

TEST_F(Dnsmasq, ServesDhclientToo) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const std::string out = folder_ + "/dhclient";
  const std::string script = "#!/bin/sh\nenv >>{}.out\n[ $reason != BOUND ] || kill $PPID\n";
  ASSERT_TRUE(write_whole(out + ".sh", fmt::format(fmt::runtime(script), out), 0755));
  guest_says(
      fmt::format("ip link set gblue down; ip link set gblue address {0} up;"
                  "dhclient -d -4 -1 -sf {1}.sh -lf {1}.leases -pf {1}.pid -cf /dev/null gblue",
                  kMacA, out));
  const std::string given = *read_whole(out + ".out");
  EXPECT_THAT(given, HasSubstr("\nreason=BOUND\n"));
  EXPECT_THAT(given, HasSubstr("\nnew_ip_address=10.0.0.10\n"));
}

/// A guest asks more than dnsmasq's own limit of 150 at once of a name server that never answers;
/// what another one asks for goes on to one that does.
TEST_F(Dnsmasq, AGuestsOpenQuestionsStopNobodysDns) {
  auto blue = make_network("blue", 0);
  blue.dhcp.dns = {*IpAddress::parse("127.0.0.9")};
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const Fd silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  at.sin_addr.s_addr = htonl(0x7f000009);
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  run_guest("ip address add 10.0.0.99/24 dev gblue");
  const Fd guest = open_udp_among_guests();
  at.sin_addr.s_addr = htonl(0x0a000001);
  ASSERT_EQ(::connect(guest.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  std::size_t passed_on = 0;
  char question[512];
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  constexpr int kQuestions = 400;
  for (int i = 0; i < kQuestions; ++i) {
    const std::string asked = question_for(fmt::format("n{:03}", i));
    ASSERT_GT(::send(guest.get(), asked.data(), asked.size(), 0), 0);
    // One after the other, so that no socket's buffer has to hold them all.
    const auto before = passed_on;
    while (passed_on == before && std::chrono::steady_clock::now() < deadline) {
      if (::recv(silent.get(), question, sizeof question, 0) > 0) ++passed_on;
    }
  }
  EXPECT_EQ(passed_on, std::size_t{kQuestions});
  EXPECT_EQ(times_logged("blue", "Maximum number of concurrent DNS queries"), 0u);
}

/// A client that reads raw frames sees what is in the frame, not what a device would still do.
TEST_F(Dnsmasq, RepliesLeaveTheirChecksumOut) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const Fd frames = listen_raw("blue");
  ASSERT_TRUE(lease("blue", kMacA));
  constexpr std::size_t kUdp = 14 + 20;  // past the Ethernet and the IPv4 header
  int replies = 0;
  std::uint8_t frame[2048];
  // ENETDOWN once: the client's link goes down for its new MAC.
  while (::recv(frames.get(), frame, sizeof frame, 0) > 0 || errno == ENETDOWN) {
    if (frame[12] != 8 || frame[13] != 0 || frame[23] != IPPROTO_UDP) continue;
    if (frame[kUdp + 1] != 67) continue;  // from the server
    EXPECT_EQ(frame[kUdp + 6] << 8 | frame[kUdp + 7], 0);
    ++replies;
  }
  EXPECT_GE(replies, 2);  // an offer and an acknowledgement
}

TEST_F(Dnsmasq, NamesOfAllPortsResolveAndFollowTheirPorts) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  entries_[{"dhcp/blue", "name db1"}].line = "10.0.0.20 db1.novalocal db1";
  converge();
  run_guest("ip address add 10.0.0.99/24 dev gblue");
  EXPECT_EQ(resolve("web1.novalocal", "10.0.0.1", "10.0.0.10"), "10.0.0.10");
  EXPECT_EQ(resolve("db1", "10.0.0.1", "10.0.0.20"), "10.0.0.20");

  entries_[{"dhcp/blue", "name db1"}].line = "10.0.0.21 db1.novalocal db1";
  entries_[{"dhcp/blue", "name db2"}].line = "10.0.0.20 db2.novalocal db2";
  converge();
  EXPECT_EQ(resolve("db1", "10.0.0.1", "10.0.0.21"), "10.0.0.21");
  EXPECT_EQ(resolve("db2", "10.0.0.1", "10.0.0.20"), "10.0.0.20");
  EXPECT_EQ(resolve("web1", "10.0.0.1", "10.0.0.10"), "10.0.0.10");

  entries_.erase({"dhcp/blue", "name db2"});
  converge();
  EXPECT_EQ(resolve("db2.novalocal", "10.0.0.1", ""), "");
  EXPECT_EQ(resolve("db1.novalocal", "10.0.0.1", "10.0.0.21"), "10.0.0.21");
  EXPECT_EQ(times_logged("blue", kReload), 1u);  // at its start
}

TEST_F(Dnsmasq, NamesOfOneNetworkAreUnknownInAnother) {
  want(make_network("blue", 0));
  want(make_network("green", 1));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  run_guest("ip address add 10.0.1.99/24 dev ggreen");
  run_guest("ip address add 10.0.0.99/24 dev gblue");
  EXPECT_EQ(resolve("web1.novalocal", "10.0.0.1", "10.0.0.10"), "10.0.0.10");
  EXPECT_EQ(resolve("web1.novalocal", "10.0.1.1", ""), "");
}

TEST_F(Dnsmasq, AddingAPortReloadsNothing) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const pid_t before = pid("blue");
  want_port("blue", "web2", kMacB, "10.0.0.11");
  EXPECT_EQ(converge(), 2u);
  EXPECT_EQ(address_given("blue", kMacB), "10.0.0.11");
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(pid("blue"), before);
  EXPECT_EQ(times_logged("blue", kReload), 1u);
  EXPECT_EQ(times_logged("blue", "duplicate"), 0u);  // each file is read once
}

TEST_F(Dnsmasq, ARemovedPortLosesItsLeaseAndOthersKeepTheirs) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  want_port("blue", "web2", kMacB, "10.0.0.11");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(address_given("blue", kMacB), "10.0.0.11");
  const pid_t before = pid("blue");

  unwant_port("blue", "web1");
  converge();
  EXPECT_FALSE(lease("blue", kMacA, /*tries=*/1));
  EXPECT_EQ(address_given("blue", kMacB), "10.0.0.11");
  EXPECT_EQ(pid("blue"), before);
  EXPECT_EQ(times_logged("blue", "DHCPRELEASE(br-blue) 10.0.0.10"), 1u);
  EXPECT_EQ(times_logged("blue", "DHCPRELEASE(br-blue) 10.0.0.11"), 0u);
}

TEST_F(Dnsmasq, AnAddressThatPassesToAnotherPortIsServedAtOnce) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  want_port("blue", "web2", kMacB, "10.0.0.11");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(address_given("blue", kMacB), "10.0.0.11");

  unwant_port("blue", "web1");
  want_port("blue", "web2", kMacB, "10.0.0.10");  // to one that had another
  converge();
  EXPECT_EQ(address_given("blue", kMacB, /*tries=*/1), "10.0.0.10");
  EXPECT_EQ(times_logged("blue", kReload), 2u);  // once for both

  unwant_port("blue", "web2");
  want_port("blue", "web3", kMacC, "10.0.0.10");  // to one that is new
  converge();
  EXPECT_EQ(address_given("blue", kMacC, /*tries=*/1), "10.0.0.10");
}

TEST_F(Dnsmasq, TwoPortsThatSwapTheirAddressesAreServedAtOnce) {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
  want_port("blue", "web2", kMacB, "10.0.0.11");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(address_given("blue", kMacB), "10.0.0.11");
  want_port("blue", "web1", kMacA, "10.0.0.11");
  want_port("blue", "web2", kMacB, "10.0.0.10");
  converge();
  EXPECT_EQ(address_given("blue", kMacA, /*tries=*/1), "10.0.0.11");
  EXPECT_EQ(address_given("blue", kMacB, /*tries=*/1), "10.0.0.10");
}

TEST_F(Dnsmasq, LaterFilesAreFoldedTogetherWhenItIsReloaded) {
  want(make_network("blue", 0));
  for (int i = 10; i < 15; ++i) {
    want_port("blue", fmt::format("web{}", i), fmt::format("fa:16:3e:00:01:{}", i),
              fmt::format("10.0.0.{}", i));
    converge();
  }
  EXPECT_EQ(list_directory(run_dir_ + "/dhcp/blue/hosts")->size(), 5u);
  unwant_port("blue", "web12");
  converge();
  EXPECT_EQ(list_directory(run_dir_ + "/dhcp/blue/hosts")->size(), 1u);
  EXPECT_EQ(list_directory(run_dir_ + "/dhcp/blue/names")->size(), 1u);
  EXPECT_EQ(address_given("blue", "fa:16:3e:00:01:13"), "10.0.0.13");
}

TEST_F(Dnsmasq, TakesPort53OfItsOwnAddressOnly) {
  auto blue = make_network("blue", 0);
  run("ip address add 10.0.0.9/24 dev br-blue && ip address add 192.0.2.9/24 dev br-blue");
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  run("test \"$(ss -Hlnu sport = :53 | wc -l)\" = 1 && test \"$(ss -Hlnt sport = :53 | wc -l)\" = "
      "1");
  run("ss -Hlnu sport = :53 | grep -q ' 10.0.0.1:53 '");
}

TEST_F(Dnsmasq, LivesBesideAForeignOneOnAnotherAddress) {
  auto blue = make_network("blue", 0);
  run(
      fmt::format("dnsmasq --conf-file=/dev/null --pid-file={0}/foreign --listen-address=127.0.0.1 "
                  "--bind-interfaces --no-resolv --no-hosts --user=root",
                  folder_));
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  run(fmt::format("kill $(cat {0}/foreign)", folder_));  // it lived until now
}

TEST_F(Dnsmasq, ServesTenThousandHosts) {
  auto blue = make_network("blue", 0);
  blue.cidr = *Prefix::parse("10.0.0.0/16");
  run("ip address del 10.0.0.1/24 dev br-blue && ip address add 10.0.0.1/16 dev br-blue");
  want(blue);
  const auto mac = [](int i) { return fmt::format("fa:16:3f:00:{:02x}:{:02x}", i / 256, i % 256); };
  const auto address = [](int i) { return fmt::format("10.0.{}.{}", 1 + i / 250, 1 + i % 250); };
  for (int i = 0; i < 10'000; ++i) want_port("blue", fmt::format("vm{}", i), mac(i), address(i));
  EXPECT_EQ(converge(), 20'001u);
  EXPECT_EQ(address_given("blue", mac(0)), address(0));
  EXPECT_EQ(address_given("blue", mac(9'999)), address(9'999));

  unwant_port("blue", "vm0");
  want_port("blue", "vm1", mac(1), address(0));
  want_port("blue", "later", kMacA, "10.0.100.1");
  converge();
  EXPECT_EQ(address_given("blue", mac(1)), address(0));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.100.1");
}

}  // namespace
}  // namespace novaplane::dhcp
