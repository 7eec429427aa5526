#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/nft/kernel_fixture.h"

namespace novaplane::nft {
namespace {

using testing::HasSubstr;

class FrameTest : public KernelTest {
 protected:
  static std::string why(const FrameRepair& repair) { return repair.why(); }
  /// The handle of the n-th rule of a chain, as `nft -a` prints it.
  static std::string handle(const std::string& chain, int n) {
    const std::string text =
        output("nft -a list chain " + chain + " | grep -o 'handle [0-9]*$' | sed -n " +
               std::to_string(n + 1) + "p");
    return text.substr(0, text.find('\n'));
  }
};

TEST_F(FrameTest, AnEmptyKernelNeedsBothTables) {
  EXPECT_EQ(broken().what(), "write table inet novaplane; write table bridge novaplane");
  EXPECT_EQ(broken().why(), "inet novaplane: it is missing; bridge novaplane: it is missing");
}

TEST_F(FrameTest, ReadsBackIntact) {
  program({});
  EXPECT_EQ(broken().why(), "");
  EXPECT_TRUE(seen().empty());
}

TEST_F(FrameTest, NftPrintsEachRuleAsWeDo) {
  program({});
  const Frame frame = reference_frame();
  for (const Chain& chain : frame.chains) {
    const std::string listed =
        output(fmt::format("nft list chain {} novaplane {}", to_string(chain.family), chain.name));
    for (const Rule& rule : frame.rules) {
      if (rule.family != chain.family || rule.chain != chain.name) continue;
      EXPECT_THAT(listed, HasSubstr("\t\t" + to_text(rule) + "\n"));
    }
  }
}

TEST_F(FrameTest, NftTakesTheTextAndMakesTheSameOfIt) {
  program({});
  const std::string ours = output("nft -s list ruleset");
  const std::string path = testing::TempDir() + "novaplane-frame.nft";
  std::ofstream(path) << "flush ruleset\n"
                      << to_text(reference_frame(), Family::inet)
                      << to_text(reference_frame(), Family::bridge);
  EXPECT_EQ(output("nft -f " + path), "");
  EXPECT_EQ(output("nft -s list ruleset"), ours);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace novaplane::nft
