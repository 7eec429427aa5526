#include "dataplane/daemon/drop_watch.h"

#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using engine::Refusal;

TEST(DropWatch, TellsWhatCameToEachReason) {
  const node::Drops before{{Refusal::arp, 2}, {Refusal::ingress, 7}};
  EXPECT_EQ(dropped_since(before, {{Refusal::arp, 5}, {Refusal::ingress, 7}}),
            "3 ARP in another's name");
  EXPECT_EQ(
      dropped_since(before, {{Refusal::arp, 2}, {Refusal::address, 1}, {Refusal::ingress, 8}}),
      "1 not from its MAC and address, 1 no ingress rule");
  EXPECT_EQ(dropped_since(before, before), "");
}

/// A table that was flushed counts from nothing.
TEST(DropWatch, CountersMayBeginAgain) {
  EXPECT_EQ(dropped_since({{Refusal::arp, 100}}, {{Refusal::arp, 4}}), "4 ARP in another's name");
}

}  // namespace
}  // namespace novaplane::daemon
