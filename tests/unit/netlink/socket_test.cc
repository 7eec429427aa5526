#include "dataplane/netlink/socket.h"

#include <linux/rtnetlink.h>

#include <atomic>
#include <cerrno>
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

TEST_F(SocketTest, ListsTheSameBesideWhatElseHappens) {
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    requests.push_back(add_route(host_route(i), RouteHow::append));
  }
  for (const auto& result : socket_.send(requests)) ASSERT_TRUE(result);

  // Links that come and go interrupt listings of them; those of routes stay whole.
  std::atomic<bool> stop = false;
  std::thread other([&] {
    auto socket = Socket::open().value();
    while (!stop) {
      ASSERT_TRUE(socket.send(create_bridge("br-x", Mac{{2, 0, 0, 0, 0, 1}})));
      ASSERT_TRUE(socket.send(delete_link(index("br-x"))));
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(list<Route>(Listing::our_routes), SizeIs(3000));
    int loopbacks = 0;
    const auto done = socket_.dump(Listing::links, [&](Observation&& observation) {
      loopbacks += std::get<Seen<Link>>(observation).value.name == "lo";
    });
    EXPECT_TRUE(done ? loopbacks == 1 : done.error().code == EBUSY);
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
