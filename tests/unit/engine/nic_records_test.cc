#include "dataplane/engine/host/nic_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace novaplane::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// RTM_NEWADDR 192.0.2.1/24 with these seconds to live.
netlink::IpConfig address(std::uint32_t valid) {
  netlink::RawMessage message(NLMSG_LENGTH(sizeof(ifaddrmsg)) + 8 + 20);
  auto* header = reinterpret_cast<nlmsghdr*>(message.data());
  header->nlmsg_len = static_cast<std::uint32_t>(message.size());
  header->nlmsg_type = RTM_NEWADDR;
  auto* about = static_cast<ifaddrmsg*>(NLMSG_DATA(header));
  about->ifa_family = AF_INET;
  about->ifa_prefixlen = 24;
  std::uint8_t* at = message.data() + NLMSG_LENGTH(sizeof(ifaddrmsg));
  const std::uint8_t local[]{8, 0, IFA_LOCAL, 0, 192, 0, 2, 1};
  const rtattr lifetimes{20, IFA_CACHEINFO};
  const ifa_cacheinfo info{valid, valid, 0, 0};
  std::memcpy(at, local, sizeof(local));
  std::memcpy(at + 8, &lifetimes, sizeof(lifetimes));
  std::memcpy(at + 12, &info, sizeof(info));
  return netlink::ip_config_from(std::move(message)).value();
}

class NicRecordsTest : public testing::Test {
 protected:
  ~NicRecordsTest() override { std::filesystem::remove_all(folder_); }
  static std::string make_folder() {
    std::string name = "/tmp/np-nics-XXXXXX";
    return ::mkdtemp(name.data());
  }
  std::string folder_ = make_folder();
  NicRecords records_{folder_};
};

TEST_F(NicRecordsTest, KeepsEveryByte) {
  const auto thing = address(0xffffffff);
  ASSERT_TRUE(records_.write("eth1", "br-blue", {thing}));
  EXPECT_THAT(records_.read("eth1"), ElementsAre(thing));
  EXPECT_THAT(records_.nics(), ElementsAre("eth1"));
  ASSERT_TRUE(records_.remove("eth1"));
  EXPECT_THAT(records_.read("eth1"), IsEmpty());
  EXPECT_THAT(records_.nics(), IsEmpty());
}

TEST_F(NicRecordsTest, WhatHasRunOutIsGone) {
  ASSERT_TRUE(records_.write("eth1", "br-blue", {address(100), address(5000)}));
  const std::string path = folder_ + "/nics/eth1";
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto listed = text.find("listed ") + 7;
  const auto end = text.find('\n', listed);
  const long then = std::stol(text.substr(listed)) - 1000;
  std::ofstream(path) << text.replace(listed, end - listed, std::to_string(then));
  const auto left = records_.read("eth1");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].text, "address 192.0.2.1/24");
}

TEST_F(NicRecordsTest, LinesThatAreNoneAreNothing) {
  ASSERT_TRUE(records_.write("eth1", "br-blue", {address(0xffffffff)}));
  std::ofstream(folder_ + "/nics/eth1", std::ios::app) << "zz no digits\n123 odd\n00 short\n\n";
  EXPECT_EQ(records_.read("eth1").size(), 1u);
}

TEST_F(NicRecordsTest, SpoiledLinesAreSaid) {
  ASSERT_TRUE(records_.write("eth1", "br-blue", {address(5000)}));
  const std::string path = folder_ + "/nics/eth1";
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto listed = text.find("listed ") + 7;
  text.replace(listed, text.find('\n', listed) - listed, "long ago");
  std::ofstream(path) << text << "zz no digits\n";
  std::vector<std::string> spoiled;
  EXPECT_EQ(records_.read("eth1", &spoiled).size(), 1u) << "nothing is thrown away for its age";
  EXPECT_THAT(spoiled, ElementsAre(testing::HasSubstr(path + ", line 3: "),
                                   testing::HasSubstr(path + ", line 5: ")));
}

/// A header that claims more than there is would have us read what is not ours.
TEST_F(NicRecordsTest, AMessageThatIsCutIsNothing) {
  auto thing = address(5000);
  thing.message.resize(thing.message.size() - 4);
  EXPECT_FALSE(netlink::ip_config_from(thing.message));
}

TEST_F(NicRecordsTest, TellsNothingMovedFromNothingKnown) {
  EXPECT_TRUE(records_.may_have_moved("eth1")) << "records were lost, or there were none";
  ASSERT_TRUE(records_.begin());
  EXPECT_FALSE(records_.may_have_moved("eth1"));
  ASSERT_TRUE(records_.write("eth1", "br-blue", {address(0xffffffff)}));
  EXPECT_TRUE(records_.may_have_moved("eth1"));
  EXPECT_FALSE(records_.may_have_moved("eth2"));
}

TEST_F(NicRecordsTest, KnowsTheBridgeOfANicThatHasEverythingAgain) {
  ASSERT_TRUE(records_.write("eth1", "br-blue", {address(0xffffffff)}));
  ASSERT_TRUE(records_.write_given_back("eth1", "br-blue"));
  EXPECT_FALSE(records_.may_have_moved("eth1"));
  EXPECT_THAT(records_.nics(), IsEmpty());
  EXPECT_EQ(records_.bridges().at("eth1"), "br-blue");
  records_.end();
  EXPECT_TRUE(records_.bridges().empty());
}

}  // namespace
}  // namespace novaplane::engine
