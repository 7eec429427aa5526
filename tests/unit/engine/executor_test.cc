#include "dataplane/engine/executor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "dataplane/netlink/sysctl.h"
#include "tests/support/netns.h"

namespace {

bool lookups_fail = false;

}  // namespace

// In the place of the C library's, for this program: a look-up that fails for a reason other than
// that there is no such link.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  if (lookups_fail && request == SIOCGIFINDEX) {
    errno = EIO;
    return -1;
  }
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}

namespace novaplane::engine {
namespace {

using testing::HasSubstr;

class ExecutorTest : public testing::Test {
 protected:
  ~ExecutorTest() override {
    lookups_fail = false;
    std::filesystem::remove_all(folder_);
  }
  static std::string make_folder() {
    std::string name = "/tmp/np-executor-XXXXXX";
    return ::mkdtemp(name.data());
  }
  Executor open() {
    auto executor = Executor::open(folder_);
    EXPECT_TRUE(executor) << executor.error().message();
    return std::move(*executor);
  }
  std::vector<Result<void>> apply(Plan plan) {
    ApplyRequest request;
    request.plan = std::move(plan);
    request.ruleset = std::make_shared<const nft::Ruleset>();
    return open().apply(request).results;
  }
  void write(const std::string& text) { std::ofstream(folder_ + "/originals") << text; }
  std::string recorded() {
    std::ifstream file(folder_ + "/originals");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void set(const std::string& key, const std::string& value) {
    ASSERT_TRUE(netlink::write_sysctl(key, value));
  }

  test::NetworkNamespace netns_;
  const std::string folder_ = make_folder();
};

const SysctlChange kForward{"net/ipv4/ip_forward", Sysctl{"0"}, Sysctl{"1"}};
const RouteChange kRoute{{255, *Prefix::parse("203.0.113.1/32")},
                         std::nullopt,
                         Route{.type = Route::Type::local, .link = "lo"}};

template <std::size_t... kIndexes>
std::vector<Operation> one_of_each(std::index_sequence<kIndexes...>) {
  return {Operation(std::in_place_index<kIndexes>)...};
}

/// Each kind of operation in each phase, with neither what was before nor what is wanted.
TEST_F(ExecutorTest, AStepThatAPhaseDoesNotKnowFailsAndEndsNothing) {
  const auto kinds = one_of_each(std::make_index_sequence<std::variant_size_v<Operation>>());
  for (int phase = 1; phase <= static_cast<int>(Phase::delete_links); ++phase) {
    const auto where = static_cast<Phase>(phase);
    const bool is_others = where >= Phase::services && where <= Phase::forget_flows;
    if (is_others) continue;
    for (const Operation& kind : kinds) {
      const bool may_be_empty = std::holds_alternative<RulesetChange>(kind) ||
                                std::holds_alternative<NicMigrationChange>(kind) ||
                                std::holds_alternative<AttachmentChange>(kind) ||
                                std::holds_alternative<LinkChange>(kind) ||
                                std::holds_alternative<ElementChange>(kind) ||
                                std::holds_alternative<ServiceChange>(kind);
      if (may_be_empty) continue;  // an empty one may be nothing to do
      const auto results = apply({Step{where, kind, nullptr}});
      EXPECT_FALSE(results[0]) << to_string(where) << " " << kind.index();
    }
  }
}

TEST_F(ExecutorTest, BesideAStrangeStepTheOthersAreDone) {
  set("net/ipv4/ip_forward", "0");
  const auto results =
      apply({Step{Phase::sysctls, kForward, nullptr}, Step{Phase::sysctls, kRoute, nullptr},
             Step{Phase::routes, kForward, nullptr}, Step{Phase::routes, kRoute, nullptr}});
  EXPECT_TRUE(results[0]) << results[0].error().message();
  for (const int strange : {1, 2}) {
    ASSERT_FALSE(results[static_cast<std::size_t>(strange)]);
    EXPECT_EQ(results[static_cast<std::size_t>(strange)].error().code, EOPNOTSUPP);
  }
  EXPECT_TRUE(results[3]) << results[3].error().message();
  EXPECT_EQ(*netlink::read_sysctl("net/ipv4/ip_forward"), "1");
}

/// For the log: all that was in it, also what the kernel had nothing against.
TEST_F(ExecutorTest, AFailedTransactionIsReportedAsItWas) {
  ApplyRequest request;
  auto ruleset = std::make_shared<nft::Ruleset>();
  ruleset->sets = {{{nft::Family::inet, "no_snat"}, {nft::Field::ipv4_addr}}};
  request.ruleset = ruleset;
  for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
    const std::string bytes = nft::Bytes().address(*IpAddress::parse(address)).take();
    request.plan.push_back(
        {Phase::nftables,
         ElementChange{{{nft::Family::inet, "no_snat"}, bytes}, std::nullopt, nft::Element{}},
         nullptr});
  }
  Executor executor = open();
  const auto report = executor.apply(request);  // the table is not there
  EXPECT_FALSE(report.results[0]);
  ASSERT_TRUE(report.failed_transaction);
  EXPECT_EQ(report.failed_transaction->add.size(), 2U);
  request.plan.clear();
  EXPECT_FALSE(executor.apply(request).failed_transaction);
}

TEST_F(ExecutorTest, WhatStoodOnALinkThatIsGoneHasGone) {
  const AddressChange address{{"br-gone", *Prefix::parse("10.0.0.1/24")}, Address{}, std::nullopt};
  const AttachmentChange port{"tap-gone", Attachment{"br-gone"}, std::nullopt};
  const LinkChange link{"br-gone", Link{}, std::nullopt};
  const Plan plan{Step{Phase::withdraw, address, nullptr}, Step{Phase::detach, port, nullptr},
                  Step{Phase::delete_links, link, nullptr}};
  for (const auto& result : apply(plan)) EXPECT_TRUE(result) << result.error().message();
}

TEST_F(ExecutorTest, ALookUpThatFailedIsNoSuccess) {
  const AddressChange address{{"br-blue", *Prefix::parse("10.0.0.1/24")}, Address{}, std::nullopt};
  const RouteChange route{kRoute.key, Route{.type = Route::Type::unicast, .link = "br-blue"},
                          std::nullopt};
  const ShaperChange shaper{"tap1", Shaper{}, std::nullopt};
  const NeighbourChange neighbour{
      {"br-blue", *IpAddress::parse("10.0.0.9"), true}, Neighbour{}, std::nullopt};
  const ForwardingChange entry{
      {"br-blue", *Mac::parse("02:00:00:00:00:01")}, Forwarding{.port = "vx1"}, std::nullopt};
  const AttachmentChange port{"tap1", Attachment{"br-blue"}, std::nullopt};
  const Plan plan{Step{Phase::withdraw, address, nullptr},   Step{Phase::withdraw, route, nullptr},
                  Step{Phase::withdraw, shaper, nullptr},    Step{Phase::withdraw, entry, nullptr},
                  Step{Phase::withdraw, neighbour, nullptr}, Step{Phase::detach, port, nullptr}};
  lookups_fail = true;
  const auto results = apply(plan);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_FALSE(results[i]) << i;
    EXPECT_EQ(results[i].error().code, EIO) << i;
  }
}

TEST_F(ExecutorTest, ASpoiledRecordEndsNothingAndTheRestIsPutBack) {
  set("net/ipv4/ip_forward", "1");
  write("mtu:lo many 65536\nnonsense\nsysctl:net/ipv4/ip_forward 0 1\n");
  const auto restored = open().restore_all();
  EXPECT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(*netlink::read_sysctl("net/ipv4/ip_forward"), "0");
  EXPECT_EQ(recorded(), "");
}

TEST_F(ExecutorTest, WhatCannotBePutBackStaysRecordedAndIsSaid) {
  set("net/ipv4/ip_forward", "1");
  set("net/ipv4/conf/lo/rp_filter", "2");
  write("sysctl:net/ipv4/conf/lo/rp_filter nonsense 2\nsysctl:net/ipv4/ip_forward 0 1\n");
  const auto restored = open().restore_all();
  ASSERT_FALSE(restored);
  EXPECT_THAT(restored.error().message(), HasSubstr("rp_filter"));
  EXPECT_EQ(*netlink::read_sysctl("net/ipv4/ip_forward"), "0") << "the others are";
  EXPECT_THAT(recorded(), HasSubstr("rp_filter"));
  EXPECT_THAT(recorded(), testing::Not(HasSubstr("ip_forward")));
}

TEST_F(ExecutorTest, WhatCouldNotBeLookedUpStaysRecorded) {
  write("mtu:lo 1500 65536\n");
  Executor executor = open();
  lookups_fail = true;
  EXPECT_FALSE(executor.restore_all());
  lookups_fail = false;
  EXPECT_THAT(recorded(), HasSubstr("mtu:lo"));
}

}  // namespace
}  // namespace novaplane::engine
