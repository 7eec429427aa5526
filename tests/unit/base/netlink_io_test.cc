#include "dataplane/base/netlink_io.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "dataplane/base/fd.h"
#include "tests/support/netns.h"

namespace {

/// How many of the next system calls of this thread a signal interrupts.
thread_local int interruptions = 0;

bool is_interrupted() {
  if (interruptions == 0) return false;
  --interruptions;
  errno = EINTR;
  return true;
}

}  // namespace

// In the place of the C library's, for this program: a signal that comes at the worst moment.
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return is_interrupted() ? -1 : ::syscall(SYS_sendmsg, fd, message, flags);
}
extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return is_interrupted() ? -1 : ::syscall(SYS_recvmsg, fd, message, flags);
}

namespace novaplane {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLong{60};

struct Question {
  nlmsghdr header{sizeof(Question), RTM_GETLINK, NLM_F_REQUEST, 7, 0};
  ifinfomsg link{};
};

class NetlinkIoTest : public testing::Test {
 protected:
  static Fd open() {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  static std::uint32_t port_of(const Fd& fd) {
    sockaddr_nl address{};
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return address.nl_pid;
  }

  /// What another process may send: an answer that the kernel has not given.
  static int forge(const Fd& from, std::uint32_t to) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_pid = to;
    const nlmsghdr done{sizeof(done), NLMSG_DONE, 0, 7, 0};
    const auto sent = ::sendto(from.get(), &done, sizeof(done), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&address), sizeof(address));
    return sent < 0 ? errno : 0;
  }

  /// Asks for the link lo.
  Result<void> ask() {
    Question question;
    question.link.ifi_index = 1;
    const iovec part{&question, sizeof(question)};
    return send_to_kernel(socket_.get(), {&part, 1}, "ask");
  }

  Result<std::size_t> receive(milliseconds patience = {}) {
    return receive_from_kernel(socket_.get(), room_, patience, "receive");
  }

  std::uint16_t type() const {
    nlmsghdr header;
    std::memcpy(&header, room_.data(), sizeof(header));
    return header.nlmsg_type;
  }

  test::NetworkNamespace netns_;
  Fd socket_ = open(), other_ = open();
  std::array<std::byte, 16384> room_;
};

TEST_F(NetlinkIoTest, TakesNothingThatAnotherProcessSends) {
  ASSERT_EQ(forge(other_, port_of(socket_)), 0);
  ASSERT_TRUE(ask());
  ASSERT_EQ(forge(other_, port_of(socket_)), 0);
  const auto size = receive();
  ASSERT_TRUE(size && *size != 0);
  EXPECT_EQ(type(), RTM_NEWLINK);
  EXPECT_EQ(receive(), Result<std::size_t>(0));
}

TEST_F(NetlinkIoTest, OthersCannotSendToASocketThatIsConnected) {
  ASSERT_TRUE(connect_to_kernel(socket_.get(), "connect"));
  EXPECT_EQ(forge(other_, port_of(socket_)), ECONNREFUSED);
  ASSERT_TRUE(ask());
  EXPECT_GT(receive().value(), 0U);
  EXPECT_EQ(type(), RTM_NEWLINK);
}

TEST_F(NetlinkIoTest, GoesOnAfterASignal) {
  interruptions = 3;
  ASSERT_TRUE(ask());
  EXPECT_EQ(interruptions, 0);
  interruptions = 3;
  const auto size = receive();
  ASSERT_TRUE(size) << size.error().message();
  EXPECT_EQ(interruptions, 0);
  EXPECT_EQ(type(), RTM_NEWLINK);
}

TEST_F(NetlinkIoTest, WaitsOnWhileSignalsCome) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<bool> received = false;
  const pthread_t waiting = pthread_self();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      pthread_kill(waiting, SIGUSR1);
      std::this_thread::yield();
    }
    EXPECT_TRUE(ask());
    while (!received) {
      pthread_kill(waiting, SIGUSR1);
      std::this_thread::yield();
    }
  });
  const auto size = receive(kLong);
  received = true;
  other.join();
  sigaction(SIGUSR1, &before, nullptr);
  ASSERT_TRUE(size) << size.error().message();
  EXPECT_EQ(type(), RTM_NEWLINK);
}

TEST_F(NetlinkIoTest, SaysThatAMessageWasCut) {
  ASSERT_TRUE(ask());
  const auto size = receive_from_kernel(socket_.get(), std::span(room_).first(64), {}, "receive");
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code, ENOBUFS);
}

TEST_F(NetlinkIoTest, AFloodOfOthersHoldsNobody) {
  std::atomic<bool> stop = false;
  std::thread flood([&] {
    while (!stop) forge(other_, port_of(socket_));
  });
  EXPECT_EQ(receive(), Result<std::size_t>(0));
  stop = true;
  flood.join();
}

TEST_F(NetlinkIoTest, DiscardsWhatWaits) {
  ASSERT_TRUE(ask());
  ASSERT_TRUE(ask());
  discard_waiting(socket_.get());
  EXPECT_EQ(receive(), Result<std::size_t>(0));
}

}  // namespace
}  // namespace novaplane
