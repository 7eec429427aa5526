#include "tools/table.h"

#include <gtest/gtest.h>

namespace novaplane::tools {
namespace {

TEST(Table, HasColumnsAsWideAsTheirWidestCell) {
  Table table({"NAME", "BRIDGE", "MTU"});
  table.add({"blue", "br100", "1450"});
  table.add({"a-longer-name", "br1", "9000"});
  EXPECT_EQ(table.text(),
            "NAME           BRIDGE  MTU\n"
            "blue           br100   1450\n"
            "a-longer-name  br1     9000\n");
}

TEST(Table, ShowsAnEmptyCellAsADash) {
  Table table({"NAME", "WIRE", "DHCP"});
  table.add({"blue", "", "off"});
  table.add({"green"});
  EXPECT_EQ(table.text(),
            "NAME   WIRE  DHCP\n"
            "blue   -     off\n"
            "green  -     -\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"NAME", "X"});
  table.add({"m\xc3\xbcnchen", "1"});
  table.add({"dresden", "2"});
  EXPECT_EQ(table.text(), "NAME     X\nm\xc3\xbcnchen  1\ndresden  2\n");
}

TEST(Table, PutsStylesAroundTheTitlesOnly) {
  Table table({"NAME"});
  table.add({"blue"});
  EXPECT_EQ(table.text("<", ">"), "<NAME>\nblue\n");
}

}  // namespace
}  // namespace novaplane::tools
