#include "dataplane/daemon/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace novaplane::daemon {
namespace {

TEST(Worker, DoesTasksInOrderAndAnswersInTheLoop) {
  Loop loop;
  Worker worker(loop, "test");
  const auto here = std::this_thread::get_id();
  std::vector<int> answers;
  for (int i = 0; i < 3; ++i) {
    worker.run([i, here] { return std::pair(i, std::this_thread::get_id() != here); },
               [&](std::pair<int, bool> answer) {
                 EXPECT_EQ(std::this_thread::get_id(), here);
                 EXPECT_TRUE(answer.second);
                 answers.push_back(answer.first);
                 if (answers.size() == 3) loop.stop();
               });
  }
  loop.run();
  EXPECT_EQ(answers, (std::vector{0, 1, 2}));
}

TEST(Worker, CarriesValuesThatCannotBeCopied) {
  Loop loop;
  Worker worker(loop, "test");
  int answer = 0;
  worker.run([] { return std::make_unique<int>(42); },
             [&](std::unique_ptr<int> value) {
               answer = *value;
               loop.stop();
             });
  loop.run();
  EXPECT_EQ(answer, 42);
}

TEST(Worker, ATaskThatThrowsIsAnErrorOfThatTaskAlone) {
  Loop loop;
  Worker worker(loop, "test");
  std::vector<std::string> errors;
  worker.run(
      "read the moon", []() -> int { throw std::runtime_error("too far"); },
      [&](Result<int> answer) { errors.push_back(answer.error().message()); });
  worker.run(
      "keep the moon", []() -> Result<void> { throw std::bad_alloc(); },
      [&](const Result<void>& answer) { errors.push_back(answer.error().message()); });
  bool goes_on = false;
  worker.run(
      "go on", [] { return true; },
      [&](Result<bool> answer) {
        goes_on = *answer;
        loop.stop();
      });
  loop.run();
  EXPECT_THAT(errors, testing::ElementsAre("read the moon: too far",
                                           "keep the moon: Cannot allocate memory (ENOMEM)"));
  EXPECT_TRUE(goes_on);
}

TEST(Worker, WhoTakesNoErrorLeavesItToTheLoop) {
  Loop loop;
  std::vector<std::string> errors;
  loop.on_exception([&](const Error& error) {
    errors.push_back(error.message());
    loop.stop();
  });
  Worker worker(loop, "test");
  worker.run(
      "read the moon", []() -> int { throw 7; }, [](int) { ADD_FAILURE(); });
  loop.run();
  EXPECT_THAT(errors, testing::ElementsAre("read the moon: an exception of an unknown type"));
}

TEST(Loop, ATaskThatThrowsEndsAlone) {
  Loop loop;
  std::vector<std::string> errors;
  loop.on_exception([&](const Error& error) {
    errors.push_back(error.message());
    throw std::bad_alloc();  // not even this
  });
  Timer timer(loop, "by the clock");
  timer.after(std::chrono::milliseconds(0), [&] {
    loop.post("last", [&] { loop.stop(); });
    throw std::runtime_error("broken");
  });
  loop.post("at once", [] { throw std::out_of_range("nowhere"); });
  loop.run();
  EXPECT_THAT(errors, testing::UnorderedElementsAre("at once: nowhere", "by the clock: broken"));
}

TEST(Loop, KnowsWhichTaskHeldItLongest) {
  Loop loop;
  loop.post("short", [] {});
  loop.post("long", [] {
    const auto end = Loop::Clock::now() + std::chrono::milliseconds(20);
    while (Loop::Clock::now() < end) continue;
  });
  loop.post("end", [&] { loop.stop(); });
  loop.run();
  EXPECT_STREQ(loop.statistics().by_clock.name, "long");
  EXPECT_GE(loop.statistics().by_clock.took, std::chrono::milliseconds(20));
}

TEST(Timer, SetAgainForgetsTheEarlierCall) {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  timer.after(std::chrono::milliseconds(0), [&] { calls += 10; });
  timer.after(std::chrono::milliseconds(1), [&] {
    ++calls;
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace novaplane::daemon
