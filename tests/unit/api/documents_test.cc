#include "dataplane/base/files.h"
#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"
#include "dataplane/store/file_store.h"
#include "tests/unit/api/asked.h"

/// The document as a whole: read, and applied.
namespace novaplane::api::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class DocumentsTest : public ApiTest {
 protected:
  /// "added ports/web2, ..." of an apply.
  static std::string changes_of(const Reply& reply) {
    if (reply.status != 200) return told(reply);
    std::string text;
    const Json applied = json_of(reply);
    for (const Json& change : applied["changes"]) {
      text += (text.empty() ? "" : ", ") + change.value("what", "") + ' ' +
              change.value("kind", "") + '/' + change.value("name", "");
    }
    return text;
  }
  static constexpr auto kPart = R"(
ports:
  web1: {network: blue, host: h2, mac: fa:16:3e:00:00:01, address: 10.0.0.11, interface: tap1}
  web2: {network: blue, host: h2, mac: fa:16:3e:00:00:02, address: 10.0.0.12, interface: tap2}
no_snat: [10.0.0.0/8]
)";
};

TEST_F(DocumentsTest, IsReadAsYamlOrJson) {
  const auto whole = cloud::parse_document(kDocument, "cloud.yaml").value();
  const Reply yaml = ask("GET", "/v1/cloud");
  EXPECT_EQ(yaml.content_type, "application/yaml");
  EXPECT_EQ(yaml.body, cloud::to_yaml(whole.cloud, whole.pools));
  EXPECT_EQ(header(yaml, "ETag"), "\"1\"");
  const Reply json =
      host.ask(Request{.method = "GET", .target = "/v1/cloud", .accept = "application/json"});
  EXPECT_EQ(json.content_type, "application/json");
  EXPECT_EQ(json.body, cloud::to_json(whole.cloud, whole.pools) + '\n');
  EXPECT_EQ(
      host.ask(Request{.method = "GET", .target = "/v1/cloud", .if_none_match = "\"1\""}).status,
      304u);
}

TEST_F(DocumentsTest, IsAppliedAndTellsWhatHasChanged) {
  const Reply applied = ask("POST", "/v1/apply", kPart);
  EXPECT_EQ(changes_of(applied), "added ranges/snat, changed ports/web1, added ports/web2");
  EXPECT_EQ(json_of(applied)["revision"], 2);
  EXPECT_EQ(json_of(applied)["dry_run"], false);
  const Reply again = ask("POST", "/v1/apply", kPart);
  EXPECT_EQ(changes_of(again), "");
  EXPECT_EQ(json_of(again)["revision"], 2);
  EXPECT_EQ(revision(), 2u);
}

TEST_F(DocumentsTest, IsAppliedAsJson) {
  const Reply document =
      host.ask(Request{.method = "GET", .target = "/v1/cloud", .accept = "application/json"});
  EXPECT_EQ(changes_of(host.ask(Request{.method = "POST",
                                        .target = "/v1/apply?prune=true",
                                        .content_type = "application/json; charset=utf-8",
                                        .body = document.body})),
            "");
}

TEST_F(DocumentsTest, RemovesOnlyWithPrune) {
  ask("POST", "/v1/apply", kPart);
  EXPECT_EQ(changes_of(ask("POST", "/v1/apply", kDocument)), "changed ports/web1");
  EXPECT_EQ(changes_of(ask("POST", "/v1/apply?prune=true", kDocument)),
            "removed ranges/snat, removed ports/web2");
  EXPECT_EQ(ask("GET", "/v1/ports/web2").status, 404u);
  EXPECT_EQ(changes_of(ask("POST", "/v1/apply?prune=true", "{}")),
            "removed hosts/h1, removed hosts/h2, removed networks/blue, removed networks/green, "
            "removed ports/web1");
}

TEST_F(DocumentsTest, ADryRunTellsTheSameAndWritesNothing) {
  const Reply dry = ask("POST", "/v1/apply?dry_run=true&prune=true", kPart);
  EXPECT_EQ(dry.status, 422u);  // its ports need the networks that would go
  const Reply part = ask("POST", "/v1/apply?dry_run=true", kPart);
  EXPECT_EQ(changes_of(part), "added ranges/snat, changed ports/web1, added ports/web2");
  EXPECT_EQ(json_of(part)["dry_run"], true);
  EXPECT_EQ(json_of(part)["revision"], 1);
  EXPECT_EQ(ask("GET", "/v1/ports/web2").status, 404u);
  EXPECT_EQ(ask("POST", "/v1/apply?dry_run=false", kPart).status, 200u);
  EXPECT_EQ(ask("GET", "/v1/ports/web2").status, 200u);
}

TEST_F(DocumentsTest, ThatIsWrongIsToldWithItsPlaces) {
  const Reply wrong = ask("POST", "/v1/apply",
                          "networks:\n  red: {cidr: 10.0.3.0/24, gateway: 10.0.3.1, mtu: many, "
                          "segment: {vlan: 103}}\n");
  EXPECT_THAT(told(wrong), StartsWith("422 "));
  const Json found = json_of(wrong)["findings"][0];
  EXPECT_EQ(found["path"], "networks.red.mtu");
  EXPECT_EQ(found["line"], 2);
  const Reply dangling =
      ask("POST", "/v1/apply",
          "ports:\n  db: {mac: fa:16:3e:00:00:05, address: 10.0.0.5,\n       network: yellow}\n");
  EXPECT_EQ(told(dangling), "422 dangling ports.db.network: there is no network yellow");
  EXPECT_EQ(json_of(dangling)["findings"][0]["line"], 3);
  EXPECT_THAT(told(ask("POST", "/v1/apply", "ports: {")), StartsWith("400 syntax : "));
  EXPECT_EQ(told(ask("POST", "/v1/apply", " \n")),
            "400 the body is empty; an empty document is {}");
  EXPECT_EQ(told(ask("POST", "/v1/apply?prune=yes", kPart)), "400 prune must be true or false");
  EXPECT_THAT(told(ask("POST", "/v1/apply?dryrun=true", kPart)),
              StartsWith("400 unknown query key dryrun; known: dry_run, prune"));
  EXPECT_EQ(revision(), 1u);
}

TEST_F(DocumentsTest, IsAppliedOnlyOnTheCloudThatTheClientHasSeen) {
  Request apply{.method = "POST", .target = "/v1/apply", .if_match = "\"1\"", .body = kPart};
  Host other(path("cloud.db"));
  other.ask("PUT", "/v1/hosts/h3", "{}");
  EXPECT_EQ(told(host.ask(apply)), "412 If-Match: it has changed since, and is at \"2\"");
  apply.if_match = "\"2\"";
  EXPECT_EQ(host.ask(apply).status, 200u);
}

TEST_F(DocumentsTest, AFileIsReadOnlyAndDryRunsWork) {
  const std::string file = path("cloud.yaml");
  ASSERT_TRUE(write_whole(file, kDocument));
  store::FileStore store(file);
  store::Copy copy;
  store::Follower follower(store, copy);
  store::Committer committer(store, copy, follower);
  Asked asked(store, copy, follower, committer);
  EXPECT_EQ(asked("GET", "/v1/cloud").body, ask("GET", "/v1/cloud").body);
  EXPECT_EQ(asked("GET", "/v1/ports/web1").status, 200u);
  EXPECT_EQ(changes_of(asked("POST", "/v1/apply?dry_run=true", kPart)),
            "added ranges/snat, changed ports/web1, added ports/web2");
  const std::string refusal = "403 " + file +
                              " is edited by hand: an API that writes needs another store "
                              "(--store sqlite:PATH)";
  EXPECT_EQ(told(asked("POST", "/v1/apply", kPart)), refusal);
  EXPECT_EQ(told(asked("DELETE", "/v1/ports/web1")), refusal);
  EXPECT_EQ(told(asked("PATCH", "/v1/ports/web1", R"({"log":true})")), refusal);
  EXPECT_EQ(told(asked("POST", "/v1/store/backup", "{\"path\":\"" + path("b") + "\"}")), refusal);
  EXPECT_EQ(json_of(asked("GET", "/v1/status"))["store"]["writable"], false);
}

}  // namespace
}  // namespace novaplane::api::test
