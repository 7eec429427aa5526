#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "dhcp/running.h"
#include "tests/support/pretended.h"
#include "tests/unit/dhcp/site.h"

namespace novaplane::dhcp {
namespace {

using ::testing::HasSubstr;

/// A dnsmasq that fares as a test wants.
class Supervision : public Site {
 protected:
  Supervision() {
    driver_.emplace(run_dir_, program_);
    want(make_network("blue", 0));
    want(make_network("green", 1));
    plain_ = services_["dhcp/blue"].config;
  }
  ~Supervision() override {
    for (auto& [folder, running] : find_running(run_dir_ + "/dhcp", program_))
      (void)running.process.signal(SIGKILL);
  }
  /// What blue's configuration says of it.
  void script(const std::string& line) {
    services_["dhcp/blue"].config = plain_ + "# " + line + "\n";
  }
  std::size_t number_running() const { return find_running(run_dir_ + "/dhcp", program_).size(); }
  /// The other one serves, and this one does when it can.
  void expect_only_blue_is_missing() {
    EXPECT_EQ(number_running(), 1u);
    EXPECT_EQ(differences().size(), 1u);
    EXPECT_FALSE(std::filesystem::exists(run_dir_ + "/dhcp/blue"));
    script("well");
    EXPECT_EQ(converge(), 1u);
    EXPECT_EQ(number_running(), 2u);
  }

  const std::string program_ = test::pretend(folder_ + "/bin", "dnsmasq");
  std::string plain_;
};

TEST_F(Supervision, WhatDoesNotStartIsAnErrorWithItsWordsAndHurtsNobodyElse) {
  script("fail: no room");
  EXPECT_EQ(start_error(), "start dnsmasq: no room");
  expect_only_blue_is_missing();
}

TEST_F(Supervision, WhatEndsRightAfterItsStartIsAnErrorAndHurtsNobodyElse) {
  script("die");
  EXPECT_EQ(start_error(), "start dnsmasq: it ended right after its start");
  expect_only_blue_is_missing();
}

/// It understands the other one, and does not start with it.
TEST_F(Supervision, WhatDiesWithAnotherConfigurationLeavesTheOneBefore) {
  converge();
  script("die");
  EXPECT_THAT(start_error(),
              HasSubstr("it ended right after its start; the configuration before serves again"));
  EXPECT_EQ(number_running(), 2u);
  EXPECT_EQ(differences().size(), 1u) << "it is wanted still";
}

}  // namespace
}  // namespace novaplane::dhcp
