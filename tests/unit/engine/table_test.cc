#include "dataplane/engine/table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace novaplane::engine {
namespace {

using IntTable = Table<int, int>;

Owner port(int number) {
  return std::make_shared<const Object>(Object{ObjectKind::port, std::to_string(number)});
}

IntTable::Claim claim(int number, std::uint64_t rank, std::uint32_t pass = 1) {
  return {port(number), rank, pass};
}

TEST(Table, TheFirstOfTheDocumentHasItsWay) {
  IntTable table;
  table.claim(claim(2, 20), 7, 200);
  table.claim(claim(1, 10), 7, 100);
  table.claim(claim(3, 30), 7, 300);
  EXPECT_EQ(*table.rows().desired(7), 100);
  table.release(*port(1), 7);
  EXPECT_EQ(*table.rows().desired(7), 200);
  table.release(*port(3), 7);
  EXPECT_EQ(*table.rows().desired(7), 200);
  table.release(*port(2), 7);
  EXPECT_EQ(table.rows().desired(7), nullptr);
}

TEST(Table, AClaimThatIsNotRenewedIsSwept) {
  IntTable table;
  table.claim(claim(1, 10, 1), 7, 100);
  table.claim(claim(2, 20, 1), 7, 200);
  table.claim(claim(2, 20, 2), 7, 201);
  table.sweep(2);
  EXPECT_EQ(*table.rows().desired(7), 201);
  EXPECT_EQ(*table.claim_of(7)->owner, *port(2));
  table.sweep(3);
  EXPECT_EQ(table.rows().size(), 0u);
}

/// Every claim that stands, in a list.
struct Naive {
  struct Entry {
    std::uint64_t rank;
    std::uint32_t pass;
    int row;
  };
  std::map<int, std::map<int, Entry>> claims;  // key -> owner -> entry

  std::optional<int> wanted(int key) const {
    const auto it = claims.find(key);
    const Entry* first = nullptr;
    if (it != claims.end()) {
      for (const auto& [owner, entry] : it->second) {
        if (!first || entry.rank < first->rank) first = &entry;
      }
    }
    return first ? std::optional(first->row) : std::nullopt;
  }
  void sweep(std::uint32_t pass) {
    for (auto& [key, owners] : claims) {
      std::erase_if(owners, [&](const auto& entry) { return entry.second.pass != pass; });
    }
  }
};

TEST(Table, AgreesWithANaiveModelAfterAnyHistory) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    IntTable table;
    Naive naive;
    std::uint32_t pass = 1;
    for (int step = 0; step < 200; ++step) {
      const int key = static_cast<int>(random() % 5), owner = static_cast<int>(random() % 5);
      const int row = static_cast<int>(random() % 3);
      // Ranks are distinct between owners, as places in a document are, and move with edits.
      const std::uint64_t rank = 10 * (random() % 4) + static_cast<unsigned>(owner);
      switch (random() % 20) {
        case 0:
          table.sweep(pass), naive.sweep(pass), ++pass;
          break;
        case 1 ... 6:
          table.release(*port(owner), key), naive.claims[key].erase(owner);
          break;
        default:
          table.claim(claim(owner, rank, pass), key, row);
          naive.claims[key][owner] = {rank, pass, row};
      }
      for (int k = 0; k < 5; ++k) {
        const int* wanted = table.rows().desired(k);
        ASSERT_EQ(wanted ? std::optional(*wanted) : std::nullopt, naive.wanted(k))
            << "seed " << seed << " step " << step << " key " << k;
      }
    }
  }
}

}  // namespace
}  // namespace novaplane::engine
