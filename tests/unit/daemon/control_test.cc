#include "dataplane/daemon/control.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <thread>

#include "dataplane/base/fd.h"

namespace novaplane::daemon {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// A control socket whose two loops run on threads, and clients of it.
class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "it answers root only";
    std::string folder = std::filesystem::temp_directory_path() / "novaplane-control-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    auto opened = Control::open(
        clients_, decides_, folder_,
        {.status = [](Control::Answer answer) { answer({.body = "fresh"}); },
         .show = [](Control::Answer) { throw std::runtime_error("no show today"); },
         .uplinks = [](Control::Answer answer) { answer({.body = "uplinks"}); },
         .pass = [this](std::string_view, Control::Answer answer) { waiting_.push_back(answer); },
         .drain = [](const std::string&, bool, Control::Answer) {},
         .known_status = [] { return std::string("known"); }});
    ASSERT_TRUE(opened) << opened.error().message();
    control_ = std::move(*opened);
    for (Loop* loop : {&clients_, &decides_}) {
      threads_.emplace_back([loop] { loop->run(); });
    }
  }
  void TearDown() override {
    clients_.stop();
    decides_.stop();
    for (std::thread& thread : threads_) thread.join();
    control_.reset();
    std::filesystem::remove_all(folder_);
  }

  Fd ask(const std::string& method, const std::string& target) const {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ + "/control.sock").copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const auto text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n\r\n", method, target);
    EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return fd;
  }
  /// All that it says until it hangs up.
  static std::string answer(const Fd& fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
      pollfd asked{fd.get(), POLLIN, 0};
      if (::poll(&asked, 1, 10'000) != 1) return text + " (and does not hang up)";
      const ssize_t size = ::read(fd.get(), buffer, sizeof(buffer));
      if (size <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(size));
    }
  }
  /// Runs on the deciding loop, and waits for it.
  template <class F>
  auto decide(F f) {
    std::promise<decltype(f())> done;
    decides_.post([&] { done.set_value(f()); });
    return done.get_future().get();
  }
  template <class F>
  bool eventually(F f) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!f()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  std::size_t asked() {
    return decide([this] { return waiting_.size(); });
  }

  std::string folder_;
  Loop clients_, decides_;
  std::unique_ptr<Control> control_;
  std::vector<std::thread> threads_;
  std::vector<Control::Answer> waiting_;  ///< the deciding loop's
};

constexpr std::size_t kPlaces = 16;

TEST_F(ControlTest, AClientThatHangsUpGivesItsPlaceFreeAtOnce) {
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) clients.push_back(ask("POST", "/pass"));
  ASSERT_TRUE(eventually([&] { return asked() == kPlaces; }));
  EXPECT_THAT(answer(ask("POST", "/pass")), HasSubstr("503"));
  clients.clear();
  EXPECT_TRUE(eventually([&] {
    return decide([this] {
      return std::ranges::none_of(waiting_, [](const auto& one) { return one.is_awaited(); });
    });
  }));
  const Fd again = ask("POST", "/pass");
  ASSERT_TRUE(eventually([&] { return asked() == kPlaces + 1; }));
  decide([this] { return waiting_.back()({.body = "done"}), true; });
  EXPECT_THAT(answer(again), AllOf(HasSubstr("200"), HasSubstr("done")));
}

TEST_F(ControlTest, OneThatHasSaidAllIsStillAnswered) {
  const Fd client = ask("POST", "/pass");
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(eventually([&] { return asked() == 1; }));
  decide([this] { return waiting_.back()({.body = "done"}), true; });
  EXPECT_THAT(answer(client), HasSubstr("done"));
}

TEST_F(ControlTest, EachHasTheAnswerToItsOwnQuestion) {
  const Fd first = ask("POST", "/pass");
  ASSERT_TRUE(eventually([&] { return asked() == 1; }));
  const Fd second = ask("POST", "/pass");
  ASSERT_TRUE(eventually([&] { return asked() == 2; }));
  decide([this] { return waiting_[1]({.body = "second"}), true; });
  EXPECT_THAT(answer(second), HasSubstr("second"));
  decide([this] { return waiting_[0]({.body = "first"}), true; });
  EXPECT_THAT(answer(first), HasSubstr("first"));
}

TEST_F(ControlTest, WhoWaitsForPassesKeepsNobodyElseWaiting) {
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) clients.push_back(ask("POST", "/pass"));
  ASSERT_TRUE(eventually([&] { return asked() == kPlaces; }));
  EXPECT_THAT(answer(ask("GET", "/uplinks")), HasSubstr("uplinks"));
}

TEST_F(ControlTest, TheStatusIsKnownWhileTheDecidingLoopIsAtWork) {
  EXPECT_TRUE(eventually([&] {  // on a busy machine it may be late as well
    return answer(ask("GET", "/status")).find("fresh") != std::string::npos;
  }));
  std::promise<void> end;
  decides_.post("at work", [waits = end.get_future().share()] { waits.wait(); });
  EXPECT_THAT(answer(ask("GET", "/status")), HasSubstr("known"));
  end.set_value();
}

TEST_F(ControlTest, AQuestionThatThrowsIsAnsweredWithThatAndEndsAlone) {
  EXPECT_THAT(answer(ask("GET", "/show")), AllOf(HasSubstr("500"), HasSubstr("no show today")));
  EXPECT_THAT(answer(ask("GET", "/uplinks")), HasSubstr("uplinks"));
}

TEST_F(ControlTest, WhoAsksForNothingThatThereIsIsTold) {
  EXPECT_THAT(answer(ask("GET", "/moon")), AllOf(HasSubstr("404"), HasSubstr("/moon")));
  EXPECT_THAT(answer(ask("GET", "/pass")), AllOf(HasSubstr("405"), HasSubstr("Allow: POST")));
  EXPECT_THAT(answer(ask("POST", "/uplinks//drain")), HasSubstr("404"));
}

}  // namespace
}  // namespace novaplane::daemon
