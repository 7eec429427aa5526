#include "hwgw/pair/conntrackd_name.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/support/netns.h"

namespace novaplane::hwgw {
namespace {

/// Asks the real one, in a network namespace of its own.
class ConntrackdName : public testing::Test {
 protected:
  ~ConntrackdName() override { std::filesystem::remove(file_); }

  bool is_read(const std::string& link) const {
    std::ofstream(file_) << fmt::format(
        "Sync {{ Mode FTFW {{ }} UDP {{ IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
        "Port 3780 Interface {} }} }} General {{ LockFile {}.lock UNIX {{ Path {}.ctl }} }}\n",
        link, file_, file_);
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
        popen(("conntrackd -C " + file_ + " -s 2>&1").c_str(), "r"), pclose);
    std::string text(4096, 0);
    text.resize(fread(text.data(), 1, text.size(), pipe.get()));
    EXPECT_NE(text.find(text.find("parsing config") == std::string::npos ? "is conntrackd running"
                                                                         : "syntax error"),
              std::string::npos)
        << link << ": " << text;
    return text.find("syntax error") == std::string::npos;
  }

  test::NetworkNamespace netns_;
  std::string file_ = testing::TempDir() + fmt::format("np-conntrackd-{}", ::getpid());
};

TEST_F(ConntrackdName, IsWhatConntrackdReadsAsOne) {
  for (const char* link : {"eth0",
                           "UDP",
                           "udp",
                           "TCP",
                           "yes",
                           "yEs",
                           "No",
                           "on",
                           "oFf",
                           "alarm",
                           "Nack",
                           "FTFW",
                           "NOTRACK",
                           "notrack",
                           "PERSISTENT",
                           "for",
                           "For",
                           "Sync",
                           "sync",
                           "Interface",
                           "interface",
                           "IPv4_address",
                           "IPv4_addres",
                           "CLOSE_WAIT",
                           "a",
                           "be",
                           "dead",
                           "Fab",
                           "deadbeef",
                           "fe80x",
                           "fe80.1",
                           "br-blue",
                           "a_b",
                           "General",
                           "Generals",
                           "UNIX",
                           "State",
                           "Path",
                           "ResendQueueSize",
                           "bond0.101",
                           "Helper",
                           "ens3f0np0"}) {
    EXPECT_EQ(is_name_to_conntrackd(link), is_read(link)) << link;
  }
}

TEST_F(ConntrackdName, IsAWord) {
  for (const char* link : {"", "9a", "eth9!", "a:b", "a b", "-a"}) {
    EXPECT_FALSE(is_name_to_conntrackd(link)) << link;
  }
}

}  // namespace
}  // namespace novaplane::hwgw
