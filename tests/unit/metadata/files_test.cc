#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/guests.h"
#include "metadata/settings.h"
#include "tests/support/example.h"

/// What the driver writes is what the proxy reads.
namespace novaplane::metadata {
namespace {

using test::ip;

TEST(MetadataFilesTest, AGuestIsALine) {
  const Guest full{ip("10.0.0.11"), "web1", "i-1", "p-7"}, bare{ip("10.0.0.12"), "web2", "", ""};
  EXPECT_EQ(line_of(full), "10.0.0.11 web1 i-1 p-7");
  EXPECT_EQ(line_of(bare), "10.0.0.12 web2 - -");
  for (const Guest& guest : {full, bare}) EXPECT_EQ(guest_of(line_of(guest)), guest);
  const auto guests = guests_in(line_of(full) + '\n' + line_of(bare) + '\n');
  ASSERT_TRUE(guests);
  EXPECT_EQ(guests->at(ip("10.0.0.12")), bare);
}

TEST(MetadataFilesTest, WhatIsNoGuestIsRefusedWithItsLine) {
  for (const char* line : {"", "10.0.0.11", "10.0.0.11 web1 -", "host web1 - -", "10.0.0.11  - -",
                           "10.0.0.11 web1 - - -"}) {
    const auto guests = guests_in("10.0.0.12 web2 - -\n" + std::string(line) + '\n');
    ASSERT_FALSE(guests) << line;
    EXPECT_EQ(guests.error().message(), "read line 2: it names no guest (EINVAL)");
  }
}

TEST(MetadataFilesTest, SettingsAreLines) {
  const Settings settings{{ip("127.0.0.2"), 254}, {ip("2001:db8::1"), 80}, "/a secret"};
  EXPECT_EQ(text_of(settings),
            "listen 127.0.0.2 254\nserver 2001:db8::1 80\nsecret_file /a secret\n");
  EXPECT_EQ(*settings_in("# a comment\n\n" + text_of(settings)), settings);
  Settings unsigned_ones = settings;
  unsigned_ones.secret_file.clear();
  EXPECT_EQ(*settings_in(text_of(unsigned_ones)), unsigned_ones);
}

TEST(MetadataFilesTest, SettingsThatSayNothingKnownAreRefused) {
  EXPECT_EQ(settings_in("listen 127.0.0.1 254\nserver here 80\n").error().message(),
            "read line 2: it says nothing known (EINVAL)");
  EXPECT_EQ(settings_in("color red\n").error().message(),
            "read line 1: it says nothing known (EINVAL)");
  EXPECT_EQ(settings_in("listen 127.0.0.1 254\n").error().message(),
            "read the configuration: it needs listen and server (EINVAL)");
}

}  // namespace
}  // namespace novaplane::metadata
