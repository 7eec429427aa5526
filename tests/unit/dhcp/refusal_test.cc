#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "dataplane/base/files.h"
#include "tests/unit/dhcp/site.h"

namespace novaplane::dhcp {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// What dnsmasq refuses, or cannot start with: the error says why, and what serves goes on.
class Refusal : public Site {};

Fd hold(int type, const char* address, std::uint16_t port) {
  Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &at.sin_addr);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 1), 0);
  }
  return socket;
}

TEST_F(Refusal, TheErrorNamesTheHolderOfPort67) {
  want_blue();
  {
    const Fd holder = hold(SOCK_DGRAM, "0.0.0.0", 67);
    EXPECT_THAT(
        start_error(),
        AllOf(HasSubstr("failed to bind DHCP server socket: Address already in use"),
              HasSubstr(fmt::format("udp port 67 is held by unit_dhcp (process {})", ::getpid()))));
  }
  converge();
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Refusal, TheErrorNamesTheHolderOfPort53) {
  want_blue();
  {
    const Fd holder = hold(SOCK_STREAM, "0.0.0.0", 53);
    EXPECT_THAT(start_error(), HasSubstr(fmt::format(
                                   "tcp port 53 is held by unit_dhcp (process {})", ::getpid())));
  }
  const Fd holder = hold(SOCK_DGRAM, "10.0.0.1", 53);
  EXPECT_THAT(start_error(),
              HasSubstr(fmt::format("udp port 53 is held by unit_dhcp (process {})", ::getpid())));
}

TEST_F(Refusal, ABadOptionFailsWithDnsmasqsOwnWordsAndHurtsNobodyElse) {
  auto blue = make_network("blue", 0);
  blue.dhcp.options["no-such-option"] = "1";
  want(blue);
  want(make_network("green", 1));
  want_port("green", "web1", kMacA, "10.0.1.10");
  EXPECT_THAT(start_error(), HasSubstr("start dnsmasq: dnsmasq: bad dhcp-option at line"));
  EXPECT_EQ(address_given("green", kMacA), "10.0.1.10");

  blue.dhcp.options.clear();
  want(blue);
  EXPECT_EQ(converge(), 1u);
}

/// The error has dnsmasq's words, what serves goes on and learns, and a fresh driver sees it so.
TEST_F(Refusal, WhatDnsmasqRefusesReplacesNothingThatServes) {
  auto blue = make_network("blue", 0);
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  const pid_t serving = pid("blue");
  blue.dhcp.options["no-such-option"] = "1";
  want(blue);
  want_port("blue", "web2", "fa:16:3e:00:00:0b", "10.0.0.11");
  EXPECT_THAT(start_error(), AllOf(HasSubstr("configure dnsmasq: dnsmasq: bad dhcp-option at line"),
                                   HasSubstr("it goes on with the configuration before")));
  EXPECT_EQ(pid("blue"), serving);
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  EXPECT_EQ(address_given("blue", "fa:16:3e:00:00:0b"), "10.0.0.11");
  EXPECT_THAT(*read_whole(run_dir_ + "/dhcp/blue/refused.conf"),
              AllOf(HasSubstr("no-such-option"), HasSubstr("# Refused: dnsmasq: bad dhcp-option")));
  driver_.emplace(run_dir_);
  EXPECT_EQ(differences().size(), 1u);

  blue.dhcp.options.clear();
  want(blue);
  EXPECT_EQ(converge(), 0u);
  blue.dhcp.domain = "other";
  want(blue);
  EXPECT_EQ(converge(), 1u);
  EXPECT_FALSE(std::filesystem::exists(run_dir_ + "/dhcp/blue/refused.conf"));
}

TEST_F(Refusal, WhatCannotStartLeavesTheOneBefore) {
  auto blue = make_network("blue", 0);
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  run("ip address add 10.0.0.2/24 dev br-blue");
  const Fd holder = hold(SOCK_DGRAM, "10.0.0.2", 53);
  auto moved = blue;
  moved.gateway = *IpAddress::parse("10.0.0.2");
  want(moved);
  EXPECT_THAT(
      start_error(),
      AllOf(HasSubstr(fmt::format("udp port 53 is held by unit_dhcp (process {})", ::getpid())),
            HasSubstr("the configuration before serves again")));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
  want(blue);
  EXPECT_EQ(converge(), 0u);
}

TEST_F(Refusal, AProgramThatIsGoneEndsNothingThatServes) {
  auto blue = make_network("blue", 0);
  want(blue);
  want_port("blue", "web1", kMacA, "10.0.0.10");
  converge();
  driver_.emplace(run_dir_, "no-such-dnsmasq");
  blue.dhcp.domain = "other";
  want(blue);
  EXPECT_THAT(start_error(), HasSubstr("find the program no-such-dnsmasq"));
  EXPECT_EQ(address_given("blue", kMacA), "10.0.0.10");
}

TEST_F(Refusal, AMissingProgramIsAnErrorOfEachThatWouldStart) {
  driver_.emplace(run_dir_, "no-such-dnsmasq");
  want_blue();
  EXPECT_EQ(start_error(), "find the program no-such-dnsmasq: not found in PATH (ENOENT)");
}

TEST_F(Refusal, NoNameLeadsOutOfTheRunDirectory) {
  services_["dhcp/.."] = {"", "br"};
  services_["dhcp/a/b"] = {"", "br"};
  services_["other/x"] = {"", "br"};
  const auto results = apply_differences();
  ASSERT_EQ(results.size(), 3u);
  for (const auto& result : results) EXPECT_EQ(result.error().code, EINVAL);
  EXPECT_FALSE(std::filesystem::exists(run_dir_));
}

}  // namespace
}  // namespace novaplane::dhcp
