#include <gtest/gtest.h>

#include "dataplane/cloud/document.h"
#include "tools/benchmark/packet_path/document.h"

namespace novaplane::bench {
namespace {

TEST(PacketPathDocument, IsValidAndHasAsManyFloatingIps) {
  for (const unsigned count : {1U, 2U, 10'002U}) {
    const auto cloud = cloud::parse(document({.floating_ips = count}), "cloud.yaml");
    ASSERT_TRUE(cloud) << cloud.error().front().message();
    EXPECT_EQ(cloud->floating_ips.size(), count);
  }
}

TEST(PacketPathDocument, OfTwoHostsIsValid) {
  const auto cloud = cloud::parse(document({.second_host = true}), "cloud.yaml");
  ASSERT_TRUE(cloud) << cloud.error().front().message();
  EXPECT_EQ(cloud->hosts.size(), 2U);
}

}  // namespace
}  // namespace novaplane::bench
