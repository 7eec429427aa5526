#include "dataplane/netlink/socket.h"

#include <linux/rtnetlink.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>

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

TEST_F(SocketTest, StaysInTheNamespaceItWasOpenedIn) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  const test::NetworkNamespace elsewhere;
  EXPECT_THAT(list<Link>(Listing::links),
              testing::Contains(testing::Field(&Link::name, "br-blue")));
  EXPECT_EQ(index_of("br-blue").error().code, ENODEV);
}

}  // namespace
}  // namespace novaplane::netlink
