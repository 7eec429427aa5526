#include "dataplane/netlink/socket.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <set>
#include <thread>

#include "dataplane/base/fd.h"
#include "dataplane/netlink/attributes.h"
#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::SizeIs;

class SocketTest : public KernelTest {
 protected:
  SocketTest() { send(set_link("lo", {.up = true})); }

  Route host_route(std::uint32_t number) {
    return {.table = RT_TABLE_LOCAL,
            .destination = {IpAddress::v4(0xc6120000 + number), 32},
            .type = RTN_LOCAL,
            .scope = RT_SCOPE_HOST,
            .link = lo_};
  }

  Address host_address(std::uint32_t number) {
    return {.link = lo_, .prefix = {IpAddress::v4(0xc6120000 + number), 32}};
  }

  const int lo_ = index("lo");
};

TEST_F(SocketTest, SendsNothingWhenThereIsNothing) { EXPECT_THAT(socket_.send({}), SizeIs(0)); }

TEST_F(SocketTest, TellsWhichOfTenThousandFailed) {
  constexpr std::uint32_t kCount = 10'000;
  const auto is_bad = [](std::uint32_t i) { return i % 7 == 3 || (i >= 500 && i < 800); };
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    Route route = host_route(i);
    if (is_bad(i)) route.link = 9999;
    requests.push_back(add_route(route, RouteHow::append));
  }
  const auto results = socket_.send(requests);
  ASSERT_THAT(results, SizeIs(kCount));
  std::size_t added = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(results[i].has_value(), !is_bad(i)) << i;
    if (is_bad(i)) {
      ASSERT_EQ(results[i].error().code, ENODEV) << i;
    }
    added += results[i].has_value();
  }
  EXPECT_THAT(list<Route>(Listing::our_routes), SizeIs(added));
}

TEST_F(SocketTest, AllAnswersOfASendFitWhenAllFail) {
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    requests.push_back(
        add_route({.destination = {IpAddress::v4(0xc6120000 + i), 32}, .gateway = ip("192.0.2.1")},
                  RouteHow::create));
  }
  for (const auto& result : socket_.send(requests)) {
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error(), (Error{"", ENETUNREACH, "Nexthop has invalid gateway"}));
  }
}

TEST_F(SocketTest, ARequestCanBeSentAgain) {
  const Request request = add_route(host_route(1), RouteHow::append);
  EXPECT_TRUE(socket_.send(request));
  EXPECT_EQ(socket_.send(request).error().code, EEXIST);
}

TEST_F(SocketTest, NobodyHearsOfAListingThatChangedWhileItWasRead) {
  constexpr std::uint32_t kCount = 3000;
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < kCount; ++i) requests.push_back(add_address(host_address(i)));
  for (const auto& result : socket_.send(requests)) ASSERT_TRUE(result);

  std::atomic<bool> stop = false;
  std::thread other([&] {
    auto socket = Socket::open().value();
    while (!stop) {
      EXPECT_TRUE(socket.send(add_address(host_address(kCount))));
      EXPECT_TRUE(socket.send(delete_address(host_address(kCount))));
    }
  });
  for (int i = 0; i < 20; ++i) {
    std::set<Prefix> prefixes;
    const auto done = socket_.dump(Listing::addresses, [&](Observation&& observation) {
      EXPECT_TRUE(prefixes.insert(std::get<Seen<Address>>(observation).value.prefix).second);
    });
    if (done) {
      for (std::uint32_t j = 0; j < kCount; ++j)
        EXPECT_TRUE(prefixes.contains(host_address(j).prefix));
    } else {
      EXPECT_EQ(done.error().code, EBUSY);
      EXPECT_THAT(prefixes, SizeIs(0));
    }
  }
  stop = true;
  other.join();
}

/// More next hops than the 64 KiB of an attribute hold.
Route of_many_hops(std::size_t count) {
  Route route{.destination = prefix("198.51.100.0/24")};
  for (std::size_t i = 0; i < count; ++i) route.next_hops.push_back({1, ip("192.0.2.1")});
  return route;
}

TEST_F(SocketTest, AnAttributeThatDoesNotFitIsAnErrorAndTheRequestIsNotSent) {
  const auto result = socket_.send(add_route(of_many_hops(5000), RouteHow::create));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EMSGSIZE);
  EXPECT_THAT(result.error().words, testing::HasSubstr("the request is too long"));
}

TEST_F(SocketTest, ARequestThatIsNotSentKeepsNoOtherFromBeingAnswered) {
  for (const std::size_t bad : {0U, 1U, 2U}) {
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto number = static_cast<std::uint32_t>(3 * bad + i);
      requests.push_back(i == bad ? add_route(of_many_hops(5000), RouteHow::create)
                                  : add_route(host_route(number), RouteHow::append));
    }
    const auto results = socket_.send(requests);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(results[i].has_value(), i != bad) << bad << i;
    const auto again = socket_.send(requests);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(again[i].error().code, i == bad ? EMSGSIZE : EEXIST) << bad << i;
    }
  }
  EXPECT_THAT(list<Route>(Listing::our_routes), SizeIs(6));
}

/// Each kind of attribute, with no room left.
TEST_F(SocketTest, ARequestWithoutRoomIsRefused) {
  const auto refused = [&](auto&& fill) {
    Request request(RTM_NEWLINK, 0, NLMSG_HDRLEN + sizeof(ifinfomsg));
    ifinfomsg header{};
    header.ifi_index = 1;
    put_header(request, header);
    EXPECT_FALSE(request.refusal());
    fill(request);
    const auto result = socket_.send(request);
    return !result && result.error().code == EMSGSIZE;
  };
  EXPECT_TRUE(refused([](Request& r) { put(r, IFLA_MTU, std::uint32_t{1500}); }));
  EXPECT_TRUE(refused([](Request& r) { put(r, IFLA_IFALIAS, std::string_view("web")); }));
  EXPECT_TRUE(refused([](Request& r) { put(r, IFLA_ADDRESS, mac("02:00:00:00:00:01")); }));
  EXPECT_TRUE(refused([](Request& r) { put(r, IFLA_ADDRESS, ip("2001:db8::1")); }));
  EXPECT_TRUE(refused([](Request& r) { const Nest nest(r, IFLA_LINKINFO); }));
  EXPECT_TRUE(refused([](Request& r) { put_header(r, ifinfomsg{}); }));
}

TEST_F(SocketTest, ANestLongerThanAnAttributeIsRefused) {
  Request request(RTM_NEWLINK, 0, 200'000);
  put_header(request, ifinfomsg{});
  {
    const Nest nest(request, IFLA_LINKINFO);
    for (int i = 0; i < 2; ++i) put(request, IFLA_INFO_DATA, std::string(40'000, 'x'));
  }
  EXPECT_EQ(socket_.send(request).error().code, EMSGSIZE);
}

TEST_F(SocketTest, AQuestionThatIsNotWholeIsNotAsked) {
  Request question(RTM_GETLINK, NLM_F_DUMP, NLMSG_HDRLEN + sizeof(ifinfomsg));
  put_header(question, ifinfomsg{});
  put(question, IFLA_EXT_MASK, std::uint32_t{1});
  EXPECT_EQ(socket_.messages(question, AF_UNSPEC).error().code, EMSGSIZE);
}

/// Another process with the right to send what only the kernel should.
TEST_F(SocketTest, OthersNeitherAnswerNorTellNews) {
  const Fd other(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const auto send_to = [&](std::uint32_t port, std::uint32_t groups) {
    struct {
      nlmsghdr header{sizeof(nlmsghdr) + sizeof(ifinfomsg), RTM_DELLINK, 0, 0, 0};
      ifinfomsg link{};
    } forged;
    forged.link.ifi_index = 1;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_pid = port;
    address.nl_groups = groups;
    const auto sent = ::sendto(other.get(), &forged, sizeof(forged), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&address), sizeof(address));
    return sent < 0 ? errno : 0;
  };
  EXPECT_EQ(send_to(socket_.port_id(), 0), ECONNREFUSED);
  drain<Seen<Link>>();
  send_to(0, RTMGRP_LINK);
  send(set_link("lo", {.up = false}));
  std::vector<Observation> news;
  ASSERT_TRUE(monitor_.drain([&](Observation&& told) { news.push_back(std::move(told)); }));
  EXPECT_TRUE(std::ranges::any_of(
      news, [](const Observation& told) { return std::holds_alternative<Seen<Link>>(told); }));
  EXPECT_TRUE(std::ranges::none_of(
      news, [](const Observation& told) { return std::holds_alternative<Gone<Link>>(told); }));
}

TEST_F(SocketTest, StaysInTheNamespaceItWasOpenedIn) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  const test::NetworkNamespace elsewhere;
  EXPECT_THAT(list<Link>(Listing::links),
              testing::Contains(testing::Field(&Link::name, "br-blue")));
  EXPECT_TRUE(socket_.index_of("br-blue"));
  EXPECT_EQ(Socket::open().value().index_of("br-blue").error().code, ENODEV);
}

}  // namespace
}  // namespace novaplane::netlink
