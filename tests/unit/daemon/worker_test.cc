#include "dataplane/daemon/worker.h"

#include <gtest/gtest.h>

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
