#include "dataplane/daemon/reconciler.h"

#include <gmock/gmock.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <future>
#include <new>

#include "tests/unit/daemon/reconciled_host.h"

/// What the reconciler makes of a kernel that loses, interrupts and refuses.
namespace novaplane::daemon {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Kernel = test::ScriptedKernel;

constexpr std::uint16_t nft_type(int message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}
constexpr auto kRemoveRoutes =
    "ip route del local 203.0.113.10 table local; ip route del local 203.0.113.11 table local";

bool is_list_of_links(int, Kernel::Datagram datagram) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data());
  return header->nlmsg_type == RTM_NEWLINK && (header->nlmsg_flags & NLM_F_MULTI) != 0;
}

class ReconcilerTest : public ReconciledHost {
 protected:
  /// Whether routes and the like were written.
  Kernel::Which answer_of_rtnetlink() {
    return Kernel::both(Kernel::of_port(workers_->senders().netlink), Kernel::with(NLMSG_ERROR));
  }
  Kernel::Which answer_of_nftables() {
    return Kernel::both(Kernel::of_port(workers_->senders().nftables), Kernel::with(NLMSG_ERROR));
  }
  Kernel::Which rtnetlink_event(std::uint16_t type) {
    return Kernel::both(Kernel::of_socket(node_->netlink_fd()), Kernel::with(type));
  }
  Kernel::Which nftables_event(int message) {
    return Kernel::both(Kernel::of_socket(node_->nft_fd()), Kernel::with(nft_type(message)));
  }
  /// Calls `act` in the loop while the worker that writes is about to hear that nf_tables are
  /// written: nothing else is yet.
  void in_the_midst(std::function<void()> act) {
    kernel_.edit(
        [this, act = std::move(act)](Kernel::Datagram datagram) {
          std::promise<void> done;
          loop_.post("in the midst", [&] {
            act();
            done.set_value();
          });
          EXPECT_EQ(done.get_future().wait_for(test::kHangs), std::future_status::ready);
          return datagram.size();
        },
        answer_of_nftables());
  }
};

TEST_F(ReconcilerTest, AnRtnetlinkEventThatIsLostIsMadeUpForByAListing) {
  bring_up();
  kernel_.lose(1, rtnetlink_event(RTM_DELROUTE));
  shell("ip route del local 203.0.113.10 table local");
  run_until_quiet([&] { return kernel_.is_done(); });
  EXPECT_EQ(times_tried("add route 203.0.113.10/32"), 1u);
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

TEST_F(ReconcilerTest, SoIsOneOfNftables) {
  bring_up();
  kernel_.lose(1, nftables_event(NFT_MSG_DELSETELEM));
  shell("nft flush set inet novaplane managed");
  run_until_quiet([&] { return kernel_.is_done(); });
  EXPECT_EQ(times_tried("inet novaplane managed { \"br-blue\" }"), 1u);
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

/// Of rtnetlink, then of nf_tables; there is no event that would tell later.
TEST_F(ReconcilerTest, AListingThatIsRefusedIsAskedForAgain) {
  bring_up();
  for (const std::uint16_t type : {std::uint16_t{RTM_GETROUTE}, nft_type(NFT_MSG_GETTABLE)}) {
    kernel_.lose(1, rtnetlink_event(RTM_DELROUTE));
    kernel_.lose(1, nftables_event(NFT_MSG_DELSETELEM));
    const int before = kernel_.times_refused();
    kernel_.refuse({.type = type, .code = ENOMEM});
    shell("ip route del local 203.0.113.10 table local; nft flush set inet novaplane managed");
    run_until_quiet([&] { return kernel_.is_done() && words_of_a_fresh_one().empty(); });
    EXPECT_EQ(kernel_.times_refused(), before + 1);
  }
}

TEST_F(ReconcilerTest, AListingThatIsInterruptedAndCutIsTakenAgain) {
  bring_up();
  kernel_.lose(1, rtnetlink_event(RTM_DELROUTE));
  for (int attempt = 0; attempt < 3; ++attempt) {
    kernel_.edit(
        [](Kernel::Datagram datagram) {
          Kernel::mark_interrupted(datagram);
          return NLMSG_ALIGN(reinterpret_cast<const nlmsghdr*>(datagram.data())->nlmsg_len);
        },
        is_list_of_links);
  }
  shell("ip route del local 203.0.113.10 table local");
  run_until_quiet([&] { return kernel_.is_done(); });
  EXPECT_EQ(times_tried("add route 203.0.113.10/32"), 1u);
  EXPECT_THAT(told_, SizeIs(testing::Lt(4u))) << "nothing else was taken for lost";
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

TEST_F(ReconcilerTest, WhatIsRefusedIsToldAndTriedAgainAndKeepsNoOther) {
  kernel_.refuse({.type = RTM_NEWROUTE,
                  .code = EPERM,
                  .words = "not today",
                  .holding = std::string("\xcb\0\x71\x0a", 4),  // 203.0.113.10
                  .times = Kernel::kAlways});
  reconciler_->start();
  want(kDocument);
  run_until_quiet([&] { return kernel_.times_refused() > 0; });
  EXPECT_THAT(errors(), Contains(HasSubstr("not today (EPERM)")));
  EXPECT_THAT(errors(), Each(HasSubstr("203.0.113.10")));
  EXPECT_THAT(failures(), Contains(HasSubstr("not today (EPERM)")));
  const auto left = words_of_a_fresh_one();
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_THAT(left.front(), HasSubstr("add route 203.0.113.10/32"));

  kernel_.refuse_nothing();
  run_until_quiet([&] { return words_of_a_fresh_one().empty(); });
  EXPECT_THAT(failures(), Each(Not(HasSubstr("not today"))));
}

/// They are there, and no event tells of our own: they are listed, not written once more.
TEST_F(ReconcilerTest, RoutesWhoseAnswerIsLostAreListed) {
  bring_up();
  kernel_.lose(1, answer_of_rtnetlink());
  shell(kRemoveRoutes);
  run_until_quiet([&] { return kernel_.is_done(); });
  EXPECT_EQ(times_tried("add route 203.0.113."), 2u);
  EXPECT_THAT(errors(), Contains(HasSubstr("(ENOBUFS)")));
  EXPECT_THAT(words(*node_), IsEmpty());
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

/// What was sent before is done to its end, and taken back as far as it is not wanted any more.
TEST_F(ReconcilerTest, ANewDocumentWhileAPlanIsAppliedComesAfterIt) {
  std::string second = kDocument;
  second.replace(second.find("203.0.113.11"), 12, "203.0.113.12");
  bool was_busy = false;
  in_the_midst([&] {
    was_busy = told_.empty();
    want(second);
  });
  reconciler_->start();
  want(kDocument);
  run_until_quiet([&] { return kernel_.is_done() && words_of_a_fresh_one(second).empty(); });
  EXPECT_TRUE(was_busy);
  EXPECT_EQ(times_tried("add route 203.0.113.11/32"), 1u);
  EXPECT_EQ(times_tried("remove route 203.0.113.11/32"), 1u);
  EXPECT_EQ(times_tried("add route 203.0.113.12/32"), 1u);
  EXPECT_THAT(errors(), IsEmpty());
}

/// How far it came is not known: all is listed, and what was written is not written once more.
TEST_F(ReconcilerTest, AWorkerThatThrowsHasAllListedAgain) {
  bring_up();
  kernel_.edit([](Kernel::Datagram) -> std::size_t { throw std::bad_alloc(); },
               answer_of_rtnetlink());
  shell(kRemoveRoutes);
  run_until_quiet([&] { return kernel_.is_done(); });
  EXPECT_THAT(errors(), Contains(HasSubstr("apply a plan")));
  EXPECT_THAT(exceptions_, IsEmpty());
  run_until_quiet([&] { return words(*node_).empty(); });
  EXPECT_EQ(times_tried("add route 203.0.113."), 2u);
  EXPECT_THAT(words_of_a_fresh_one(), IsEmpty());
}

/// The event that it was about is gone with it.
TEST_F(ReconcilerTest, APassThatThrowsIsCompiledAndListedAgain) {
  bring_up();
  kernel_.edit([](Kernel::Datagram) -> std::size_t { throw std::bad_alloc(); },
               rtnetlink_event(RTM_DELROUTE));
  shell("ip route del local 203.0.113.10 table local");
  run_until_quiet([&] { return kernel_.is_done() && words_of_a_fresh_one().empty(); });
  EXPECT_THAT(exceptions_, SizeIs(1));
  EXPECT_EQ(times_tried("add route 203.0.113.10/32"), 1u);
}

/// Nothing new is begun, and what is under way comes to its end.
TEST_F(ReconcilerTest, ItStopsWhenWhatIsUnderWayHasEnded) {
  std::size_t tried_at_the_end = 0;
  in_the_midst([&] {
    reconciler_->stop([&] {
      tried_at_the_end = told_.size();
      loop_.stop();
    });
    EXPECT_TRUE(told_.empty());
  });
  reconciler_->start();
  want(kDocument);
  run_until_quiet([] { return false; });
  EXPECT_GT(tried_at_the_end, 0u);
  EXPECT_EQ(times_tried("add route 203.0.113.10/32"), 1u);
}

}  // namespace
}  // namespace novaplane::daemon
