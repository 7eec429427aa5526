#include "dataplane/netlink/frame_from.h"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/deadline.h"
#include "tests/support/netns.h"

/// In a network namespace with a cable, whose ends are "here" and "there".
namespace novaplane::netlink {
namespace {

const Mac kGuest = *Mac::parse("fa:16:3e:00:00:11"), kOther = *Mac::parse("fa:16:3e:00:00:12");

void send_from(const Mac& mac, const char* link) {
  const Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(if_nametoindex(link));
  std::string frame(60, '\0');
  std::memset(frame.data(), 0xff, 6);
  std::memcpy(frame.data() + 6, mac.bytes.data(), mac.bytes.size());
  ASSERT_EQ(sendto(socket.get(), frame.data(), frame.size(), 0,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(frame.size()));
}

/// How many frames have come, once there is one.
int frames_at(const Fd& socket) {
  pollfd asked{socket.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&asked, 1, static_cast<int>(test::kHangs.count())), 1);
  int frames = 0;
  for (char byte = 0; ::recv(socket.get(), &byte, sizeof(byte), MSG_TRUNC) > 0;) ++frames;
  return frames;
}

class FrameFromTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(std::system("ip link add here type veth peer name there && ip link set here up && "
                          "ip link set there up"),
              0);
  }

 private:
  test::NetworkNamespace netns_;
};

TEST_F(FrameFromTest, TellsOfAFrameOfThatMacThatComesIn) {
  const auto socket = await_frame_from(static_cast<int>(if_nametoindex("here")), kGuest);
  ASSERT_TRUE(socket) << socket.error().message();
  send_from(kOther, "there");
  send_from(kGuest, "here");  // it goes out
  send_from(kGuest, "there");
  EXPECT_EQ(frames_at(*socket), 1);
}

TEST_F(FrameFromTest, WantsALink) {
  const auto socket = await_frame_from(4711, kGuest);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, ENODEV);
}

}  // namespace
}  // namespace novaplane::netlink
