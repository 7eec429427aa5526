#pragma once

#include <array>
#include <vector>

namespace novaplane::security {

/// Wide enough for an IPv6 address.
using Number = unsigned __int128;

struct Interval {
  Number first = 0, last = 0;
  auto operator<=>(const Interval&) const = default;
};

/// What a rule with ranges lets through: an interval of each field.
using Box = std::array<Interval, 4>;

/// Boxes that together hold what the given ones hold, no two of which have anything in common: the
/// kernel takes no others into one set (net/netfilter/nft_set_pipapo.c, nft_pipapo_insert). The
/// same boxes in the same order give the same result.
std::vector<Box> disjoint(const std::vector<Box>& boxes);

}  // namespace novaplane::security
