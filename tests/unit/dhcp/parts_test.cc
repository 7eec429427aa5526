#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include <filesystem>

#include "dataplane/base/files.h"
#include "dhcp/line_files.h"
#include "dhcp/port_holders.h"
#include "dhcp/release.h"
#include "dhcp/running.h"
#include "tests/support/netns.h"

namespace novaplane::dhcp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineFilesTest : public ::testing::Test {
 protected:
  LineFilesTest() {
    std::string name = std::filesystem::temp_directory_path() / "np-lines-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(make_directories(directory()));
    watch_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    // What dnsmasq 2.90 watches (inotify.c, set_dynamic_inotify).
    EXPECT_GE(::inotify_add_watch(watch_.get(), directory().c_str(),
                                  IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE),
              0);
  }
  ~LineFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string directory() const { return folder_ + "/hosts"; }
  LineFiles files() const { return {directory(), folder_ + "/.staged"}; }
  std::size_t count() const { return list_directory(directory())->size(); }
  /// Files that dnsmasq would read or forget by itself.
  std::vector<std::string> noticed() const {
    alignas(inotify_event) char buffer[16384];
    std::vector<std::string> names;
    const ssize_t length = ::read(watch_.get(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if (event->name[0] != '.') {
        names.push_back((event->mask & IN_DELETE ? "deleted " : "read ") +
                        std::string(event->name).substr(0, 3));
      }
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
    return names;
  }

  std::string folder_;
  Fd watch_;
};

TEST_F(LineFilesTest, ReadsBackWhatItWrote) {
  const Lines first = {{"web1", "fa:16:3e:00:00:01,10.0.0.11,web1"}, {"web2", "second # of two"}};
  ASSERT_TRUE(files().replace(first));
  EXPECT_EQ(files().read(), first);
  ASSERT_TRUE(files().add({{"db1", "third"}}));
  EXPECT_EQ(files().read(),
            (Lines{{"db1", "third"}, {"web1", first.at("web1")}, {"web2", first.at("web2")}}));
}

TEST_F(LineFilesTest, AnAdditionIsNoticedAndTouchesNoOtherFile) {
  ASSERT_TRUE(files().replace({{"web1", "one"}}));
  ASSERT_TRUE(files().add({{"web2", "two"}, {"web3", "three"}}));
  EXPECT_THAT(noticed(), ElementsAre("read lat"));
  EXPECT_EQ(count(), 2u);
}

TEST_F(LineFilesTest, AReplacementIsNotRead) {
  ASSERT_TRUE(files().replace({{"web1", "one"}}));
  EXPECT_THAT(noticed(), IsEmpty());
  ASSERT_TRUE(files().replace({{"web1", "other"}}));
  EXPECT_THAT(noticed(), ElementsAre("deleted all"));
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(list_directory(folder_)->size(), 1u);
}

TEST_F(LineFilesTest, TheSameAgainWritesNothing) {
  ASSERT_TRUE(files().replace({{"web1", "one"}}));
  const auto before = std::filesystem::last_write_time(directory());
  ASSERT_TRUE(files().replace({{"web1", "one"}}));
  EXPECT_EQ(std::filesystem::last_write_time(directory()), before);
}

TEST_F(LineFilesTest, ARevisionChangesTheFileWhereTheLineStands) {
  ASSERT_TRUE(files().add({{"web1", "one"}, {"web2", "two"}}));
  ASSERT_TRUE(files().add({{"web3", "three"}}));
  ASSERT_TRUE(files().add({{"web4", "four"}}));
  noticed();
  ASSERT_TRUE(files().revise({{"web1", "uno"}, {"web2", ""}, {"web4", ""}}));
  EXPECT_EQ(files().read(), (Lines{{"web1", "uno"}, {"web3", "three"}}));
  EXPECT_EQ(count(), 2u);
  EXPECT_THAT(noticed(), ::testing::UnorderedElementsAre("read lat", "deleted lat"));
}

TEST_F(LineFilesTest, NothingAtAllIsNoFile) {
  ASSERT_TRUE(files().replace({{"web1", "one"}}));
  ASSERT_TRUE(files().replace({}));
  ASSERT_TRUE(files().add({}));
  EXPECT_EQ(count(), 0u);
}

TEST(Release, LooksLikeTheClientsOwn) {
  const Lease lease{*Mac::parse("fa:16:3e:00:00:0a"), *IpAddress::parse("10.0.0.10")};
  const auto message = release_message(lease, *IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(message.size(), 300u);
  const auto bytes = [&](std::size_t at, std::size_t count) {
    return std::vector<int>(message.begin() + static_cast<std::ptrdiff_t>(at),
                            message.begin() + static_cast<std::ptrdiff_t>(at + count));
  };
  EXPECT_THAT(bytes(0, 4), ElementsAre(1, 1, 6, 0));     // request, Ethernet, 6 bytes, no hops
  EXPECT_THAT(bytes(12, 4), ElementsAre(10, 0, 0, 10));  // the client's address
  EXPECT_THAT(bytes(28, 6), ElementsAre(0xfa, 0x16, 0x3e, 0, 0, 0x0a));
  EXPECT_THAT(bytes(236, 14),  // cookie, release, server, end
              ElementsAre(99, 130, 83, 99, 53, 1, 7, 54, 4, 10, 0, 0, 1, 255));
}

TEST(Running, OnlyOurOwnCommandLinesCount) {
  const std::string ours = "--conf-file=/run/np/dhcp/blue/dnsmasq-0123-7.conf";
  EXPECT_EQ(folder_of({"/usr/sbin/dnsmasq", ours, "--pid-file=x"}), "/run/np/dhcp/blue");
  EXPECT_EQ(folder_of({"dnsmasq", ours}), "/run/np/dhcp/blue");
  EXPECT_EQ(folder_of({"vi", ours}), "");
  EXPECT_EQ(folder_of({"dnsmasq", "--no-resolv", ours}), "");
  EXPECT_EQ(folder_of({"dnsmasq", "--conf-file=/etc/dnsmasq.conf"}), "");
  EXPECT_EQ(folder_of({"dnsmasq"}), "");
  EXPECT_EQ(folder_of({}), "");
}

TEST(PortHolders, PassOverWhatDoesNotCollide) {
  const test::NetworkNamespace netns;
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(std::system("ip link set lo up"), 0);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);

  const auto nobody = [](pid_t) { return false; };
  const auto everybody = [](pid_t) { return true; };
  const auto loopback = *IpAddress::parse("127.0.0.1"), other = *IpAddress::parse("10.0.0.1");
  EXPECT_EQ(port_holders(loopback, {{"udp", 53}}, nobody),
            fmt::format("udp port 53 is held by unit_dhcp (process {})", ::getpid()));
  EXPECT_EQ(port_holders(other, {{"udp", 53}}, nobody), "");
  EXPECT_EQ(port_holders(loopback, {{"tcp", 53}, {"udp", 67}}, nobody), "");
  EXPECT_EQ(port_holders(loopback, {{"udp", 53}}, everybody), "");
}

}  // namespace
}  // namespace novaplane::dhcp
