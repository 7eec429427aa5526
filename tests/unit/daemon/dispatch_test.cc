#include "dataplane/daemon/dispatch.h"

#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using engine::Phase;

engine::Step kernel_step() {
  return {Phase::raise_links, engine::Raise{"br-blue", 1500, "new"}, nullptr};
}
engine::Step service_step() {
  return {Phase::services, engine::ServiceChange{"dhcp/blue", {}, engine::Service{}}, nullptr};
}
engine::Step deletion() {
  return {Phase::delete_links, engine::LinkChange{"br-red", engine::Link{}, {}}, nullptr};
}

TEST(Choose, SendsTheKernelsPartBeforeWhatStandsOnIt) {
  const auto sent = choose({{kernel_step()}, {service_step()}, {deletion()}}, false);
  EXPECT_EQ(sent.kernel.size(), 1u);
  EXPECT_TRUE(sent.services.empty());
  EXPECT_FALSE(sent.deletes_links);
}

TEST(Choose, SendsServicesOnceTheKernelHasItsPart) {
  const auto sent = choose({{}, {service_step()}, {deletion()}}, false);
  EXPECT_TRUE(sent.kernel.empty());
  EXPECT_EQ(sent.services.size(), 1u);
}

TEST(Choose, RepairsTheKernelWhileServicesStart) {
  EXPECT_EQ(choose({{kernel_step()}, {service_step()}, {}}, true).kernel.size(), 1u);
}

TEST(Choose, SendsNothingToServicesTwice) {
  const auto sent = choose({{}, {service_step()}, {}}, true);
  EXPECT_TRUE(sent.kernel.empty());
  EXPECT_TRUE(sent.services.empty());
}

TEST(Choose, DeletesLinksLastAndFewAtATime) {
  const engine::Plan many(25, deletion());
  const auto sent = choose({{}, {}, many}, false);
  EXPECT_EQ(sent.kernel.size(), kDeletedAtOnce);
  EXPECT_TRUE(sent.deletes_links);
  EXPECT_TRUE(choose({{}, {}, many}, true).kernel.empty());
}

TEST(Choose, HasNothingToDoForAnEmptyPlan) {
  const auto sent = choose({}, false);
  EXPECT_TRUE(sent.kernel.empty());
  EXPECT_TRUE(sent.services.empty());
  EXPECT_FALSE(sent.deletes_links);
}

}  // namespace
}  // namespace novaplane::daemon
