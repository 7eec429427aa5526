#include "dataplane/daemon/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr GroupIds kBoth{500, 501};

Caller local(Role role) { return {role, "alice@h1", "user 1000", false, 1000}; }
Caller remote(Role role) { return {role, "alice", "certificate alice", true}; }

TEST(Access, GroupsCountWhetherTheyAreTheFirstOrSupplementary) {
  EXPECT_EQ(role_of(0, 0, {}, {}), Role::root);
  EXPECT_EQ(role_of(1000, 500, {}, kBoth), Role::write);
  const std::vector<gid_t> more{4, 501, 27}, all{4, 501, 500};
  EXPECT_EQ(role_of(1000, 1000, more, kBoth), Role::view);
  EXPECT_EQ(role_of(1000, 1000, all, kBoth), Role::write);
  EXPECT_EQ(role_of(1000, 1000, {}, kBoth), Role::none);
}

TEST(Access, AGroupThatDoesNotExistHasNoMembers) {
  const std::vector<gid_t> groups{0, 500, 501};
  EXPECT_EQ(role_of(1000, 0, groups, {}), Role::none);
  EXPECT_EQ(role_of(1000, 0, groups, {std::nullopt, 501}), Role::view);
}

TEST(Access, ACertificateIsAsItsOrganisationSays) {
  const auto role = [](std::vector<std::string> organisations) { return role_of(organisations); };
  EXPECT_EQ(role({}), Role::none);
  EXPECT_EQ(role({"ACME"}), Role::none);
  EXPECT_EQ(role({"novaplane-view"}), Role::view);
  EXPECT_EQ(role({"ACME", "novaplane-view", "novaplane"}), Role::write);
  EXPECT_EQ(role({"root"}), Role::none);
  EXPECT_EQ(role({std::string("novaplane\0x", 11)}), Role::none);
}

struct Case {
  const char *method, *target;
  Role needed;
};
TEST(Access, EachRequestHasARoleThatItTakes) {
  constexpr Case kCases[] = {
      {"GET", "/status", Role::view},
      {"GET", "/v1/cloud", Role::view},
      {"HEAD", "/v1/ports/web1", Role::view},
      {"GET", "/v1/watch?revision=3", Role::view},
      {"PUT", "/v1/ports/web1", Role::write},
      {"PATCH", "/v1/ports/trial", Role::write},
      {"DELETE", "/v1/ports/web1", Role::write},
      {"POST", "/v1/apply?dry_run=true", Role::write},
      {"POST", "/v1/store/accept", Role::write},
      {"POST", "/pass", Role::write},
      {"POST", "/uplinks/wan/drain", Role::write},
      {"BREW", "/status", Role::write},
      {"POST", "/trial", Role::root},
      {"POST", "/trial/end", Role::root},
      {"POST", "/v1/store/backup", Role::root},
      {"POST", "/v1/store/backup?x=y", Role::root},
      {"POST", "/v1/st%6fre/%62ackup", Role::root},
      {"POST", "/v1/store/whatever-comes", Role::root},
  };
  for (const Case& one : kCases) {
    for (const Role role : {Role::none, Role::view, Role::write, Role::root}) {
      EXPECT_EQ(denial_of(local(role), one.method, one.target).empty(), role >= one.needed)
          << one.method << ' ' << one.target << " as " << static_cast<int>(role);
    }
  }
}

TEST(Access, ADenialSaysWhoMay) {
  EXPECT_EQ(denial_of(local(Role::view), "POST", "/pass"),
            "alice@h1 may not POST /pass: root or a member of the group novaplane may");
  EXPECT_THAT(denial_of(local(Role::none), "GET", "/status"), HasSubstr("group novaplane-view or"));
  EXPECT_EQ(denial_of(remote(Role::view), "PUT", "/v1/ports/a"),
            "alice may not PUT /v1/ports/a: a certificate with O=novaplane may");
  EXPECT_THAT(denial_of(remote(Role::none), "GET", "/status"),
              HasSubstr("a certificate with O=novaplane-view or a certificate with O=novaplane"));
  EXPECT_THAT(denial_of(remote(Role::write), "POST", "/v1/store/backup"),
              HasSubstr("only root of this host may"));
  EXPECT_THAT(denial_of(local(Role::view), "PUT", "/v1/\x1b[2J"),
              AllOf(HasSubstr("\\x1b"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(denial_of(local(Role::root), "POST", "/trial"), IsEmpty());
}

}  // namespace
}  // namespace novaplane::daemon
