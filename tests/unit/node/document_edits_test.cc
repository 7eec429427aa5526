#include "dataplane/cloud/changes.h"
#include "tests/support/group_rows.h"
#include "tests/unit/node/edits.h"
#include "tests/unit/node/random_document.h"

/// An edit of the document leaves what loading the resulting document leaves.
namespace novaplane::node {
namespace {

void see_host(Engine& engine) {
  see_links(engine);
  int index = 20;
  for (const char* name : {"eth3", "eth4"}) {
    netlink::Link link;
    link.index = index++;
    link.name = name;
    link.mac = Mac{{2, 0, 0, 0, 1, static_cast<std::uint8_t>(link.index)}};
    link.mtu = 1500;
    link.up = true;
    engine.on_observation(netlink::Seen<netlink::Link>{link});
  }
  netlink::Address address;
  address.link = engine.kernel().link("eth0")->index;
  address.prefix = *Prefix::parse("192.0.2.11/24");
  engine.on_observation(netlink::Seen<netlink::Address>{address});
}

/// All that is wanted, by whom; and what is said against it.
std::vector<std::string> wanted(Engine& engine) {
  std::vector<std::string> lines = words(engine);
  for (const auto& [object, status] : engine.status()) {
    for (const std::string& reason : status.reasons) {
      lines.push_back(object.to_string() + ": " + reason);
    }
  }
  return lines;
}

/// The whole data plane, and rows for all that groups and pairs may be.
const std::vector<const engine::Subsystem*>& subsystems_and_groups() {
  static const test::GroupRows groups;
  static const auto all = [] {
    auto list = subsystems();
    list.push_back(&groups);
    return list;
  }();
  return all;
}

class DocumentEdits : public ::testing::TestWithParam<unsigned> {
 protected:
  /// Null: the document is not good.
  static cloud::SharedCloud read(const std::string& text) {
    auto cloud = cloud::parse(text, "cloud.yaml");
    if (!cloud) return nullptr;
    return std::make_shared<cloud::Cloud>(std::move(*cloud));
  }
  bool follow(const cloud::Cloud& next) {
    const auto edit = cloud::edit_of(edited_.document().shared_cloud(), next);
    edited_.follow(edit);
    return edited_.document().is_compiling();
  }

  Engine edited_{"h1", subsystems_and_groups()};
};

TEST_P(DocumentEdits, EqualALoadOfTheWhole) {
  std::mt19937 random(GetParam());
  RandomDocument document(random);
  see_host(edited_);
  int good = 0, bad = 0, followed = 0;
  for (int step = 0; step < 40; ++step) {
    const RandomDocument before = document;
    document.edit();
    const cloud::SharedCloud next = read(document.text());
    if (!next) {
      ++bad;
      document = before;
      continue;
    }
    ++good;
    followed += follow(*next) ? 1 : 0;
    Engine fresh("h1", subsystems_and_groups());
    fresh.load(next);
    see_host(fresh);
    ASSERT_EQ(wanted(edited_), wanted(fresh)) << "step " << step << " of\n"
                                              << before.text() << "\nto\n"
                                              << document.text();
  }
  EXPECT_GT(good, 15) << bad << " were bad";
  EXPECT_GT(followed, 1) << "of " << good << " edits: without an entry of h1 none is";
}

/// The next one comes before the last one is compiled, or before anybody has looked.
TEST_P(DocumentEdits, MayComeInTheMidstOfACompilation) {
  std::mt19937 random(GetParam());
  RandomDocument document(random);
  see_host(edited_);
  cloud::SharedCloud last;
  for (int step = 0; step < 12; ++step) {
    const RandomDocument before = document;
    document.edit();
    const cloud::SharedCloud next = read(document.text());
    if (!next) document = before;
    if (!next) continue;
    follow(*next);
    if (step % 3 == 0) edited_.learn_until(engine::Clock::time_point::min());
    if (step % 3 == 1) wanted(edited_);
    last = next;
  }
  ASSERT_TRUE(last);
  Engine fresh("h1", subsystems_and_groups());
  fresh.load(last);
  see_host(fresh);
  EXPECT_EQ(wanted(edited_), wanted(fresh));
}

/// Objects of others' are where they were: the edit is theirs alone.
TEST_F(Edits, OfADocumentThatAddsAFloatingIpChangesItsRowsAlone) {
  settle_all(engine);
  cloud::Cloud next = document();
  cloud::FloatingIp floating = next.floating_ips.at(*IpAddress::parse("203.0.113.2"));
  floating.address = *IpAddress::parse("203.0.113.9");
  floating.port = "g";
  floating.order = 1;  // before all others
  next.floating_ips.emplace(floating.address, floating);
  const auto before = engine.document().shared_cloud();
  engine.follow(cloud::edit_of(before, next));
  EXPECT_TRUE(engine.document().is_compiling()) << "and not loaded";
  for (const std::string& line : words(engine)) {
    EXPECT_THAT(line, ::testing::HasSubstr("203.0.113.9"));
  }
  EXPECT_NE(engine.document().shared_cloud(), before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DocumentEdits, ::testing::Range(0u, 80u));

}  // namespace
}  // namespace novaplane::node
