#include <functional>
#include <set>
#include <utility>

#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"
#include "tests/unit/api/asked.h"
#include "tests/unit/cloud/whole_documents.h"
#include "tests/unit/store/clouds.h"

/// Each key of each object, wrong in turn: who puts it gets the findings that its document gets.
namespace novaplane::api::test {
namespace {

using Told = std::set<std::string>;

/// Calls f with the value in the place of each value in turn, at all depths.
void for_each_place(Json& within, const std::function<void()>& f, const Json& wrong) {
  for (auto& member : within) {
    if (member.is_structured()) for_each_place(member, f, wrong);
    const Json right = std::exchange(member, wrong);
    f();
    member = right;
  }
}

Told found_in_document(const std::string& text) {
  Told found;
  const auto cloud = cloud::parse(text, "whole");
  if (cloud) return found;
  for (const auto& mistake : cloud.error()) found.insert(mistake.kind + ": " + mistake.text);
  return found;
}

Told found_in(const Reply& reply) {
  Told told;
  if (reply.status < 300) return told;
  EXPECT_EQ(reply.status, 422u) << reply.body;
  const Json problem = json_of(reply);
  for (const Json& found : problem["findings"]) {
    told.insert(fmt::format("{}: {}: {}", found.value("kind", ""), found.value("path", ""),
                            found.value("text", "")));
  }
  return told;
}

class ApiWrongValuesTest : public testing::TestWithParam<const char*> {};

TEST_P(ApiWrongValuesTest, AreFoundAsInTheDocument) {
  const Json wrong = Json::parse(GetParam());
  std::size_t wrongs = 0;
  for (const std::string& text : cloud::test::whole_documents()) {
    store::test::MemoryCluster cluster;
    store::test::TestHost host(cluster);
    Asked ask(host.store, host.copy, host.follower, host.committer);
    ASSERT_EQ(ask("POST", "/v1/apply", text).status, 200u);
    Json document = Json::parse(cloud::to_json(host.copy.cloud(), host.copy.pools()));
    for (auto& [section, objects] : document.items()) {
      if (!cloud::kind_of(section)) continue;  // no_snat, force_snat
      for (auto& [name, object] : objects.items()) {
        const std::string target = "/v1/" + section + '/' + name, right = object.dump();
        const auto compare = [&, &object = object] {
          const Told in_document = found_in_document(document.dump());
          EXPECT_EQ(found_in(ask("PUT", target, object.dump())), in_document) << object.dump();
          if (in_document.empty()) {
            EXPECT_EQ(ask("PUT", target, right).status, 200u);
          } else {
            ++wrongs;
          }
        };
        for_each_place(object, compare, wrong);
      }
    }
  }
  EXPECT_GT(wrongs, 100u);
}

INSTANTIATE_TEST_SUITE_P(EachKey, ApiWrongValuesTest,
                         testing::Values("{}", "[]", "\"no such thing\"", "-1", "{\"unknown\":1}"));

}  // namespace
}  // namespace novaplane::api::test
