#include "nat/uplink_title.h"

#include <gtest/gtest.h>

#include "dataplane/engine/elements.h"

namespace novaplane::nat {
namespace {

cloud::Host host_with(std::initializer_list<const char*> names) {
  cloud::Host host;
  for (const char* name : names) {
    cloud::Uplink uplink;
    uplink.name = name;
    uplink.interface = "eth0";
    host.uplinks.push_back(uplink);
  }
  return host;
}

TEST(UplinkTitle, IsReadAsItWasWritten) {
  const nft::Element one{{}, uplink_title(host_with({"wan"}), "eth0")};
  EXPECT_EQ(one.comment, "uplink wan");
  EXPECT_EQ(uplinks_called(one), "wan");
  EXPECT_EQ(uplinks_called({{}, uplink_title(host_with({"wan", "wan2"}), "eth0")}), "wan, wan2");
  EXPECT_EQ(uplinks_called({{}, "network blue"}), "");
}

TEST(UplinkTitle, LeavesOutWhatACommentCannotHold) {
  const std::string longest(100, 'a');
  const auto title = uplink_title(host_with({"wan", longest.c_str(), longest.c_str()}), "eth0");
  EXPECT_EQ(title, "uplink wan, " + longest);
}

TEST(ElementsOfAnObject, TellWhoAskedForThem) {
  const engine::Object port{engine::ObjectKind::port, "web1"};
  engine::Rows rows;
  engine::Elements(port, rows)
      .add(nft::SetOf<nft::Field::ifname>(nft::Family::bridge, "guests"), {"tap1"});
  const nft::Element& element = rows.elements.begin()->second;
  EXPECT_EQ(engine::name_of(engine::ObjectKind::port, element), "web1");
  EXPECT_EQ(engine::name_of(engine::ObjectKind::network, element), "");
  EXPECT_EQ(engine::name_of(engine::ObjectKind::port_forward, {{}, "port forward ssh"}), "ssh");
}

}  // namespace
}  // namespace novaplane::nat
