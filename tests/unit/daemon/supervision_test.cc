#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <csignal>

#include "dataplane/base/files.h"
#include "dataplane/base/process.h"
#include "dhcp/running.h"
#include "tests/unit/daemon/reconciled_host.h"

/// The reconciler and a dnsmasq that dies, or does not start.
namespace novaplane::daemon {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SupervisionTest : public ReconciledHost {
 protected:
  ~SupervisionTest() override {
    reconciler_.reset();
    workers_.reset();
    for (auto& [folder, running] : dhcp::find_running(folder_ + "/dhcp")) {
      (void)running.process.signal(SIGKILL);
      (void)running.process.ended_before(std::chrono::steady_clock::now() + test::kHangs);
    }
  }

  static std::string with_dhcp() {
    std::string document = kDocument;
    const std::string_view off = "dhcp: {enabled: false}, ";
    return document.erase(document.find(off), off.size());  // of blue
  }
  /// Of the running one; 0: none.
  pid_t pid() const {
    for (const auto& [folder, running] : dhcp::find_running(folder_ + "/dhcp"))
      return running.process.pid();
    return 0;
  }
  void kill(pid_t number) const {
    const auto process = Process::open(number);
    ASSERT_TRUE(process);
    ASSERT_TRUE(process->signal(SIGKILL));
    ASSERT_TRUE(process->ended_before(std::chrono::steady_clock::now() + test::kHangs));
  }
  bool is_told(const std::string& words) const {
    return std::ranges::any_of(
        failures(), [&](const std::string& line) { return line.find(words) != line.npos; });
  }
};

TEST_F(SupervisionTest, OneThatDiesIsStartedAtOnce) {
  bring_up(with_dhcp());
  const pid_t before = pid();
  ASSERT_NE(before, 0);
  kill(before);
  run_until_quiet([&] { return pid() != 0; });
  EXPECT_NE(pid(), before);
  EXPECT_EQ(times_tried("start dnsmasq"), 1u);
  EXPECT_THAT(failures(), IsEmpty());
}

/// The waits grow, so that one of them is long enough to be seen; somebody who asks ends it.
TEST_F(SupervisionTest, OneThatDiesAgainAndAgainWaitsAndIsTold) {
  constexpr auto kTold = "it ends soon after each start";
  bring_up(with_dhcp());
  for (int death = 0; death < 12 && !is_told(kTold); ++death) {
    const pid_t before = pid();
    ASSERT_NE(before, 0);
    kill(before);
    run_until_quiet([&] { return is_told(kTold) || pid() != 0; });
  }
  EXPECT_THAT(failures(), Contains(HasSubstr(kTold)));
  EXPECT_TRUE(node_->engine().next_retry());
  EXPECT_EQ(pid(), 0);
  EXPECT_THAT(words_of_a_fresh_one(with_dhcp()), IsEmpty()) << "everything else is there";

  reconciler_->new_request();
  reconciler_->pass_now();
  run_until_quiet([&] { return pid() != 0; });
  EXPECT_THAT(failures(), Each(Not(HasSubstr(kTold))));
}

TEST_F(SupervisionTest, OneThatCannotStartKeepsNothingElseAndIsTriedAgain) {
  Fd holder(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in port{};
  port.sin_family = AF_INET;
  port.sin_port = htons(67);
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&port), sizeof(port)), 0);
  reconciler_->start();
  want(with_dhcp());
  run_until_quiet([&] { return is_told("udp port 67 is held by unit_daemon"); });
  EXPECT_EQ(pid(), 0);
  EXPECT_THAT(errors(), Each(HasSubstr("dnsmasq")));
  EXPECT_THAT(words_of_a_fresh_one(with_dhcp()), IsEmpty());

  holder = Fd();
  run_until_quiet([&] { return pid() != 0; });
  EXPECT_THAT(failures(), IsEmpty());
}

}  // namespace
}  // namespace novaplane::daemon
