#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "dataplane/cloud/checked_cloud.h"
#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"
#include "tests/unit/cloud/whole_documents.h"

/// Each key of each object, wrong in turn: one object by itself, edited into a cloud, gets the
/// findings that its document gets.
namespace novaplane::cloud::test {
namespace {

using Json = nlohmann::ordered_json;

/// Calls f with the value in the place of each value in turn, at all depths.
void for_each_place(Json& within, const std::function<void()>& f, const Json& wrong) {
  for (auto& member : within) {
    if (member.is_structured()) for_each_place(member, f, wrong);
    const Json right = std::exchange(member, wrong);
    f();
    member = right;
  }
}

std::set<std::string> found_in_document(const std::string& text) {
  std::set<std::string> found;
  const auto cloud = parse(text, "whole");
  if (cloud) return found;
  for (const Mistake& mistake : cloud.error()) found.insert(mistake.kind + ": " + mistake.text);
  return found;
}

std::set<std::string> found_in_edit(CheckedCloud& cloud, const ObjectName& name,
                                    const std::string& text) {
  Findings findings;
  std::vector<ObjectEdit> edits;
  if (auto read = read_json(cloud.cloud(), name, text, findings)) {
    edits.push_back({name, std::move(read->object)});
  }
  std::set<std::string> found;
  const auto checked = cloud.check(std::move(edits), std::move(findings));
  if (checked) return found;
  for (const Finding& finding : checked.error()) {
    found.insert(
        fmt::format("{}: {}: {}", finding.kind, to_string(finding.path), finding.sentence));
  }
  return found;
}

class WrongValuesTest : public testing::TestWithParam<const char*> {};

TEST_P(WrongValuesTest, AreFoundAlikeInADocumentAndInAnObject) {
  const Json wrong = Json::parse(GetParam());
  std::size_t wrongs = 0;
  for (const std::string& text : whole_documents()) {
    const Document whole = parse_document(text, "whole").value();
    CheckedCloud cloud = CheckedCloud::of(whole.cloud, whole.pools).value();
    Json document = Json::parse(to_json(whole.cloud, whole.pools));
    for (auto& [section, objects] : document.items()) {
      const auto kind = kind_of(section);
      if (!kind) continue;  // no_snat, force_snat
      for (auto& [name, object] : objects.items()) {
        const ObjectName object_name{*kind, name};
        const auto compare = [&, &object = object] {
          const auto in_document = found_in_document(document.dump());
          const auto in_edit = found_in_edit(cloud, object_name, object.dump());
          EXPECT_EQ(in_edit, in_document) << to_string(object_name) << ' ' << object.dump();
          wrongs += in_document.empty() ? 0 : 1;
        };
        for_each_place(object, compare, wrong);
      }
    }
  }
  EXPECT_GT(wrongs, 100u);
}

INSTANTIATE_TEST_SUITE_P(EachKey, WrongValuesTest,
                         testing::Values("{}", "[]", "null", "\"no such thing\"", "-1", "true",
                                         "99999999999", "\"h9\"", "{\"unknown\":1}",
                                         "\"10.1.0.11\"", "[\"a\",\"a\"]"));

}  // namespace
}  // namespace novaplane::cloud::test
