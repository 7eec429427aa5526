#include "dataplane/engine/host/originals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace novaplane::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OriginalsTest : public testing::Test {
 protected:
  ~OriginalsTest() override { std::filesystem::remove_all(folder_); }
  static std::string make_folder() {
    std::string name = "/tmp/np-originals-XXXXXX";
    return ::mkdtemp(name.data());
  }
  Originals open() {
    auto originals = Originals::open(folder_);
    EXPECT_TRUE(originals) << originals.error().message();
    return std::move(*originals);
  }
  void write(const std::string& text) { std::ofstream(path_) << text; }
  std::string text() {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const std::string folder_ = make_folder(), path_ = folder_ + "/originals";
};

TEST_F(OriginalsTest, AreThereForTheNextProcess) {
  Originals first = open();
  first.record("mtu:tap1", "1500", "1450");
  first.record("mtu:tap1", "1450", "1400");  // found was what was there first
  first.record("sysctl:net/ipv4/conf/eth0.101/arp ignore", "0 1\t2", "\"1\"");
  first.record("up:tap1", "1", "1");  // nothing to put back
  ASSERT_TRUE(first.flush());
  const Originals next = open();
  EXPECT_THAT(next.spoiled(), IsEmpty());
  ASSERT_EQ(next.all().size(), 2U);
  EXPECT_EQ(next.find("mtu:tap1")->found, "1500");
  EXPECT_EQ(next.find("mtu:tap1")->ours, "1400");
  EXPECT_EQ(next.find("sysctl:net/ipv4/conf/eth0.101/arp ignore")->found, "0 1\t2");
}

TEST_F(OriginalsTest, WhatCannotBeWrittenIsSaidOnceAndWrittenLater) {
  const std::string run_dir = folder_ + "/run";
  auto originals = Originals::open(run_dir);
  ASSERT_TRUE(originals);
  std::ofstream(run_dir) << "in the way";
  originals->record("sysctl:net/ipv4/conf/eth0.101/arp_ignore", "0", "1");
  originals->record("mtu:tap1", "1500", "1450");
  originals->record("up:tap1", "0", "1");
  originals->record("ipv6:tap1", "1", "0");
  originals->record("group:eth1", "0", "28274");
  const auto kept = originals->flush();
  ASSERT_FALSE(kept);
  EXPECT_THAT(originals->take_unrecorded(kept.error()),
              ElementsAre(HasSubstr("the link group of eth1 was 0"),
                          HasSubstr("IPv6 of tap1 was on"), HasSubstr("the MTU of tap1 was 1500"),
                          HasSubstr("net.ipv4.conf.eth0/101.arp_ignore was 0"),
                          HasSubstr("link tap1 was down")));
  EXPECT_FALSE(originals->flush());
  EXPECT_THAT(originals->take_unrecorded(kept.error()), IsEmpty()) << "it was said";
  std::filesystem::remove(run_dir);
  ASSERT_TRUE(originals->flush());
  EXPECT_EQ(Originals::open(run_dir)->all().size(), 5U);
  originals->forget("mtu:tap1");
  std::filesystem::remove_all(run_dir);
  std::ofstream(run_dir) << "in the way";
  EXPECT_FALSE(originals->flush());
  EXPECT_THAT(originals->take_unrecorded(kept.error()),
              ElementsAre(HasSubstr("is recorded still")));
}

TEST_F(OriginalsTest, OfAnEarlierVersionAreRead) {
  write("sysctl:net/ipv4/ip_forward 0 1\nmtu:tap1 1500 1450\n");
  Originals originals = open();
  EXPECT_EQ(originals.find("sysctl:net/ipv4/ip_forward")->found, "0");
  originals.record("up:tap2", "0", "1");
  ASSERT_TRUE(originals.flush());
  EXPECT_EQ(open().all().size(), 3U);
  EXPECT_EQ(open().find("mtu:tap1")->ours, "1450");
}

TEST_F(OriginalsTest, ASpoiledLineIsSaidAndTheOthersCount) {
  write(
      "mtu:tap1 many 1450\n"
      "sysctl:net/ipv4/ip_forward 0 1\n"
      "{\"subject\":\"up:tap1\",\"found\":\"0\",\"ours\":\"1\"}\n"
      "{\"subject\":\"up:tap2\",\"found\":0}\n"
      "{\"subject\":\"mtu:ta\n"
      "sysctl:../../etc/passwd a b\n"
      "what:tap1 0 1\n"
      "mtu:tap3 99999999999999999999 1450\n"
      "\xff\xfe\n"
      "mtu:tap4 1500");
  const Originals originals = open();
  EXPECT_EQ(originals.all().size(), 2U);
  EXPECT_TRUE(originals.find("up:tap1"));
  EXPECT_EQ(originals.spoiled().size(), 8U);
  EXPECT_THAT(originals.spoiled().front(), HasSubstr(path_ + ", line 1: "));
}

TEST_F(OriginalsTest, AreWrittenWholeBesideTheirPlace) {
  Originals originals = open();
  originals.record("mtu:tap1", "1500", "1450");
  ASSERT_TRUE(originals.flush());
  const auto before = std::filesystem::hard_link_count(path_);
  std::filesystem::create_hard_link(path_, folder_ + "/kept");
  originals.record("mtu:tap2", "1500", "1450");
  ASSERT_TRUE(originals.flush());
  EXPECT_EQ(before, 1U);
  EXPECT_EQ(std::filesystem::hard_link_count(path_), 1U) << "the old file was not written to";
  originals.forget("mtu:tap1");
  originals.forget("mtu:tap2");
  ASSERT_TRUE(originals.rewrite());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace novaplane::engine
