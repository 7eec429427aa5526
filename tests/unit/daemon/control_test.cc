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
#include <mutex>
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
        clients_, decides_, {.run_dir = folder_, .host = "h1"},
        {.status = [](Control::Answer answer) { answer({.body = "fresh"}); },
         .show = [](Control::Answer) { throw std::runtime_error("no show today"); },
         .uplinks = [](Control::Answer answer) { answer({.body = "uplinks"}); },
         .pass = [this](std::string_view, Control::Answer answer) { waiting_.push_back(answer); },
         .drain = [](const std::string&, bool, Control::Answer) {},
         .api =
             [](api::Request request, Control::Answer answer) {
               answer({.body = fmt::format("{} by {}", request.body.size(), request.by)});
             },
         .news =
             [this](api::WatchRequest, bool waits, Control::Answer answer) {
               if (!waits) return answer({.body = "first\n", .next = 1});
               const std::lock_guard lock(mutex_);
               watching_.push_back(std::move(answer));
             },
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

  Fd ask(const std::string& method, const std::string& target,
         const std::string& headers = {}) const {
    return say(fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n{}\r\n", method, target, headers));
  }
  Fd say(const std::string& text) const {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ + "/control.sock").copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
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

  /// Who waits for news, once there is one.
  Control::Answer next_watching() {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      return !watching_.empty();
    }));
    const std::lock_guard lock(mutex_);
    Control::Answer one = watching_.back();
    watching_.pop_back();
    return one;
  }

  std::string folder_;
  Loop clients_, decides_;
  std::unique_ptr<Control> control_;
  std::vector<std::thread> threads_;
  std::vector<Control::Answer> waiting_;  ///< the deciding loop's
  std::mutex mutex_;
  std::vector<Control::Answer> watching_;  ///< with the mutex
};

constexpr std::size_t kPlaces = 12;  ///< of 16 for passes: those of root
constexpr std::size_t kOfRoot = 48;  ///< of 64, likewise

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

TEST_F(ControlTest, WhoSaysNothingKeepsNobodyOutForLong) {
  std::vector<Fd> silent;
  for (std::size_t i = 0; i < kOfRoot; ++i) silent.push_back(say("GET /upl"));
  EXPECT_TRUE(eventually([&] {
    return answer(ask("GET", "/uplinks")).find("too many requests of user 0") != std::string::npos;
  }));
  silent.resize(kOfRoot - 1);
  EXPECT_TRUE(eventually(
      [&] { return answer(ask("GET", "/uplinks")).find("uplinks") != std::string::npos; }));
  EXPECT_THAT(answer(silent.front()), IsEmpty()) << "it is hung up on";
}

TEST_F(ControlTest, WatchesHaveAPlaceOfTheirOwn) {
  std::vector<Fd> watches;
  for (std::size_t i = 0; i < kOfRoot; ++i) watches.push_back(ask("GET", "/v1/watch"));
  const auto watching = [&] {
    const std::lock_guard lock(mutex_);
    return std::ranges::count_if(watching_, [](const auto& one) { return one.is_awaited(); });
  };
  ASSERT_TRUE(eventually([&] { return watching() == kOfRoot; }));
  EXPECT_THAT(answer(ask("GET", "/v1/watch")),
              AllOf(HasSubstr("503"), HasSubstr("too many watches of user 0"),
                    HasSubstr("application/problem+json"), HasSubstr("Retry-After: 1")));
  EXPECT_THAT(answer(ask("GET", "/uplinks")), HasSubstr("200 OK"));
  EXPECT_THAT(answer(ask("GET", "/v1/ports")), HasSubstr("0 by root@h1"));
  watches.pop_back();
  EXPECT_TRUE(eventually([&] { return watching() == kOfRoot - 1; }));
  const Fd again = ask("GET", "/v1/watch");
  EXPECT_TRUE(eventually([&] { return watching() == kOfRoot; }));
}

TEST_F(ControlTest, AWatchIsGivenWhatComes) {
  const Fd watch = ask("GET", "/v1/watch");
  next_watching()({.body = "second\n", .next = 2});
  next_watching()({.status = 410});
  EXPECT_THAT(answer(watch), AllOf(HasSubstr("200 OK"), HasSubstr("6\r\nfirst\n\r\n"),
                                   HasSubstr("7\r\nsecond\n\r\n")));
}

TEST_F(ControlTest, AWatchThatDoesNotReadIsEnded) {
  const Fd watch = ask("GET", "/v1/watch");
  next_watching()({.body = std::string(1 << 20, 'x'), .next = 2});  // more than its socket holds
  pollfd asked{watch.get(), 0, 0};
  EXPECT_EQ(::poll(&asked, 1, 60'000), 1) << "it is hung up on";
}

TEST_F(ControlTest, ABodyThatIsTooLargeIsRefusedByItsLength) {
  const auto large = [&](const char* method, const char* target, std::size_t size) {
    return answer(ask(method, target, fmt::format("Content-Length: {}\r\n", size)));
  };
  EXPECT_THAT(large("PUT", "/v1/ports/a", (1 << 20) + 1),
              AllOf(HasSubstr("413"), HasSubstr("1024 KiB")));
  EXPECT_THAT(large("POST", "/v1/apply", (64 << 20) + 1), HasSubstr("413"));
  EXPECT_THAT(large("POST", "/pass", (64 << 10) + 1), HasSubstr("413"));
}

/// Each of them may take 64 MiB.
TEST_F(ControlTest, FewSendLargeDocumentsAtATime) {
  constexpr auto kLarge = "Content-Length: 60000000\r\n";
  std::vector<Fd> senders;
  for (int i = 0; i < 3; ++i) senders.push_back(ask("POST", "/v1/apply", kLarge));
  EXPECT_TRUE(eventually([&] {
    const Fd one_more = ask("POST", "/v1/apply", kLarge);
    pollfd asked{one_more.get(), POLLIN, 0};
    return ::poll(&asked, 1, 100) == 1 &&
           answer(one_more).find("too many large documents") != std::string::npos;
  }));
  EXPECT_THAT(answer(say("POST /v1/apply HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na: ")),
              HasSubstr("3 by root@h1"));
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
