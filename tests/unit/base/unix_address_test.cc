#include "dataplane/base/unix_address.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace novaplane {
namespace {

TEST(UnixAddress, IsAPathOrAnAbstractName) {
  const auto path = unix_address("/run/a.sock");
  ASSERT_TRUE(path);
  EXPECT_STREQ(path->address.sun_path, "/run/a.sock");
  EXPECT_EQ(path->size, offsetof(sockaddr_un, sun_path) + 12);
  const auto name = unix_address("@novaplane/writer");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->address.sun_path[0], '\0');
  EXPECT_STREQ(name->address.sun_path + 1, "novaplane/writer");
  EXPECT_EQ(name->size, offsetof(sockaddr_un, sun_path) + 17);
}

TEST(UnixAddress, HasAPlaceThatIsNeitherEmptyNorTooLong) {
  EXPECT_FALSE(unix_address(""));
  EXPECT_TRUE(unix_address(std::string(sizeof(sockaddr_un::sun_path) - 1, 'a')));
  EXPECT_FALSE(unix_address(std::string(sizeof(sockaddr_un::sun_path), 'a')));
}

}  // namespace
}  // namespace novaplane
