#include "dataplane/node/spoiled_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dataplane/node/services.h"
#include "hwgw/router/router_records.h"

namespace novaplane::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SpoiledFilesTest : public testing::Test {
 protected:
  ~SpoiledFilesTest() override { std::filesystem::remove_all(folder_); }
  static std::string make_folder() {
    std::string name = "/tmp/np-spoiled-XXXXXX";
    return ::mkdtemp(name.data());
  }
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  const std::string folder_ = make_folder();
};

TEST_F(SpoiledFilesTest, WhatIsGoodOrAbsentIsNotSaid) {
  EXPECT_THAT(spoiled_files(folder_), IsEmpty());
  write("originals", "sysctl:net/ipv4/ip_forward 0 1\n");
  write("uplinks", "wan alive drained\n");
  write("routers", "10.0.0.254 02:00:00:00:00:01 alive\n10.1.0.254 - dead\n");
  EXPECT_THAT(spoiled_files(folder_), IsEmpty());
}

TEST_F(SpoiledFilesTest, EachFileIsSaidWithItsLine) {
  write("originals", "sysctl:net/ipv4/ip_forward 0 1\nmtu:tap1 x y\n");
  write("uplinks", "wan what\n");
  write("routers", "10.0.0.254\n10.1.0.254 02:00:00:00:00:01 alive\n");
  EXPECT_THAT(spoiled_files(folder_),
              UnorderedElementsAre(HasSubstr(folder_ + "/originals, line 2: "),
                                   HasSubstr(folder_ + "/uplinks, line 1: "),
                                   HasSubstr(folder_ + "/routers, line 1: ")));
  EXPECT_EQ(hwgw::RouterRecords(folder_).read().size(), 1U) << "the good line counts";
}

TEST_F(SpoiledFilesTest, AStepThatIsNoServiceFails) {
  Services services(folder_);
  const engine::Step strange{engine::Phase::services, engine::SysctlChange{}, nullptr};
  const engine::Step* steps[] = {&strange};
  const auto results = services.apply(steps);
  ASSERT_EQ(results.size(), 1U);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, EOPNOTSUPP);
}

}  // namespace
}  // namespace novaplane::node
