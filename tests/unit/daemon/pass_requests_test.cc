#include "dataplane/daemon/pass_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PassRequestsTest : public testing::Test {
 protected:
  PassRequests::Client client(std::string& answer) {
    return {[&answer](const PassReport& report) { answer += to_json(report); }};
  }
  /// A step of an order, which succeeded.
  void note(const char* link, PassRequests::Ticket sent_after) {
    requests_.note({std::make_shared<const engine::Plan>(engine::Plan{
                        {engine::Phase::raise_links, engine::Raise{link, 1500, "new"}, nullptr}}),
                    std::make_shared<const std::vector<Result<void>>>(1),
                    std::make_shared<const nft::Ruleset>()},
                   sent_after);
  }

  Loop loop_;
  PassRequests requests_{loop_};
  std::string first_, second_;
};

TEST_F(PassRequestsTest, OneHearsOfOrdersThatWereSentSinceItAsked) {
  requests_.add(1, client(first_), "");
  note("br-blue", 1);
  requests_.add(2, client(second_), "");
  note("br-green", 1);  // sent before the second one asked
  note("br-red", 2);
  requests_.finish(2, {});
  EXPECT_THAT(first_, AllOf(HasSubstr("br-blue"), HasSubstr("br-green"), HasSubstr("br-red")));
  EXPECT_THAT(second_,
              AllOf(Not(HasSubstr("br-blue")), Not(HasSubstr("br-green")), HasSubstr("br-red")));
}

TEST_F(PassRequestsTest, TheEndOfAPassAnswersThoseWhoAskedBeforeItBegan) {
  requests_.add(1, client(first_), "");
  requests_.add(2, client(second_), "");
  requests_.finish(1, {{"port web1", "refused"}});
  EXPECT_THAT(first_, HasSubstr("refused"));
  EXPECT_THAT(second_, IsEmpty());
  requests_.finish(2, {});
  EXPECT_THAT(second_, AllOf(HasSubstr("changed"), Not(HasSubstr("refused"))));
  EXPECT_FALSE(requests_.any());
}

TEST_F(PassRequestsTest, AnErrorOfOneDocumentIsNoErrorOfTheOther) {
  requests_.add(1, client(first_), "cloud.yaml:3:1: no such network");
  requests_.add(2, client(second_), "");
  requests_.finish(2, {});
  EXPECT_THAT(first_, HasSubstr("no such network"));
  EXPECT_THAT(second_, AllOf(HasSubstr("error"), Not(HasSubstr("no such network"))));
}

TEST_F(PassRequestsTest, OneThatIsLateMakesNoOtherLate) {
  PassRequests soon(loop_, std::chrono::milliseconds(1));
  soon.add(1, {[&](const PassReport& report) {
             first_ = to_json(report);
             loop_.stop();
           }},
           "");
  requests_.add(2, client(second_), "");
  loop_.run();
  EXPECT_THAT(first_, HasSubstr("still at work"));
  EXPECT_FALSE(soon.any());
  EXPECT_THAT(second_, IsEmpty());
  EXPECT_TRUE(requests_.any());
}

TEST_F(PassRequestsTest, EachHasADeadlineOfItsOwn) {
  PassRequests requests(loop_, std::chrono::milliseconds(100));
  const auto began = Loop::Clock::now();
  Timer timer(loop_);
  requests.add(1, client(first_), "");
  timer.after(std::chrono::milliseconds(50), [&] {
    requests.add(2, {[&](const PassReport& report) {
                   second_ = to_json(report);
                   loop_.stop();
                 }},
                 "");
  });
  loop_.run();
  EXPECT_THAT(first_, HasSubstr("still at work"));
  EXPECT_THAT(second_, HasSubstr("still at work"));
  EXPECT_GE(Loop::Clock::now() - began, std::chrono::milliseconds(150));
}

TEST_F(PassRequestsTest, AnotherDocumentEndsThoseOfTheOneBefore) {
  requests_.add(1, client(first_), "");
  note("br-blue", 1);
  requests_.supersede();
  EXPECT_THAT(first_, AllOf(HasSubstr("br-blue"), HasSubstr("another document")));
  requests_.add(2, client(second_), "");
  requests_.finish(2, {});
  EXPECT_THAT(second_, Not(HasSubstr("another document")));
}

TEST_F(PassRequestsTest, OneThatHasGoneIsForgotten) {
  bool is_awaited = true;
  requests_.add(
      1, {[&](const PassReport& report) { first_ = to_json(report); }, [&] { return is_awaited; }},
      "");
  EXPECT_TRUE(requests_.any());
  is_awaited = false;
  EXPECT_FALSE(requests_.any());
  requests_.finish(1, {});
  EXPECT_THAT(first_, IsEmpty());
}

}  // namespace
}  // namespace novaplane::daemon
