#include "dataplane/node/kernel_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "dataplane/base/fd.h"
#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LimitWarnings, NothingIsSaidWhereThereIsRoom) {
  EXPECT_THAT(limit_warnings({1024, 1024, 100}, {1024, 1024, 1000, 799, 128, 28}), IsEmpty());
  EXPECT_THAT(limit_warnings({100'000, 100'000, 4000}, {}), IsEmpty()) << "nothing is known";
}

TEST(LimitWarnings, MoreGuestsThanNeighboursNameTheThresholdsOfTheirFamily) {
  EXPECT_THAT(limit_warnings({.guests = 1025}, {.neighbours = 1024, .neighbours6 = 1024}),
              ElementsAre(AllOf(HasSubstr("1025 guests with IPv4"), HasSubstr("1024 neighbours"),
                                HasSubstr("net.ipv4.neigh.default.gc_thresh3 to 2048"),
                                HasSubstr("gc_thresh2 to 1024"))));
  EXPECT_THAT(limit_warnings({.guests6 = 2000}, {.neighbours = 1024, .neighbours6 = 1024}),
              ElementsAre(AllOf(HasSubstr("2000 guests with IPv6"),
                                HasSubstr("net.ipv6.neigh.default.gc_thresh3 to 4096"))));
}

TEST(LimitWarnings, FlowsAreNamedBeforeTheTableIsFull) {
  EXPECT_THAT(limit_warnings({}, {.flows = 262'144, .flows_in_use = 209'716}),
              ElementsAre(AllOf(HasSubstr("209716 flows of 262144"),
                                HasSubstr("net.netfilter.nf_conntrack_max to 524288"))));
}

TEST(LimitWarnings, DnsmasqsAndOthersShareTheInotifyInstancesOfRoot) {
  const KernelLimits limits{.inotify = 128, .inotify_of_others = 20};
  EXPECT_THAT(limit_warnings({.dnsmasqs = 108}, limits), IsEmpty());
  EXPECT_THAT(limit_warnings({.dnsmasqs = 109}, limits),
              ElementsAre(AllOf(HasSubstr("109 networks"), HasSubstr("others use 20"),
                                HasSubstr("fs.inotify.max_user_instances to 256"))));
  EXPECT_THAT(limit_warnings({}, {.inotify = 10, .inotify_of_others = 20}), IsEmpty())
      << "without a dnsmasq it is others' matter";
}

TEST(KernelLimits, AreThoseOfThisNetworkNamespace) {
  const test::NetworkNamespace netns;
  const auto limits = read_kernel_limits({});
  EXPECT_TRUE(limits.flows);
  EXPECT_EQ(limits.flows_in_use, 0u);
  EXPECT_TRUE(limits.inotify);
  EXPECT_EQ(limits.inotify_of_others, 0u) << "nobody asks for so many";
}

TEST(KernelLimits, InotifyInstancesOfOthersAreCountedWhereTheyMatter) {
  const Demand many{.dnsmasqs = 1'000'000};
  const Fd held(::inotify_init1(IN_CLOEXEC));
  ASSERT_TRUE(held);
  EXPECT_GE(read_kernel_limits(many).inotify_of_others, 1u);
}

}  // namespace
}  // namespace novaplane::node
