#include "security/boxes.h"

#include <algorithm>

namespace novaplane::security {
namespace {

bool overlap(const Box& a, const Box& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].last < b[i].first || b[i].last < a[i].first) return false;
  }
  return true;
}

/// What of `from` is not in `hole`: field by field, what lies before the hole and behind it.
void subtract(Box from, const Box& hole, std::vector<Box>& out) {
  if (!overlap(from, hole)) return out.push_back(from);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].first < hole[i].first) {
      Box before = from;
      before[i].last = hole[i].first - 1;
      out.push_back(before);
      from[i].first = hole[i].first;
    }
    if (hole[i].last < from[i].last) {
      Box behind = from;
      behind[i].first = hole[i].last + 1;
      out.push_back(behind);
      from[i].last = hole[i].last;
    }
  }
}

}  // namespace

std::vector<Box> disjoint(const std::vector<Box>& boxes) {
  std::vector<Box> result;
  for (const Box& box : boxes) {
    std::vector<Box> left{box};
    const std::size_t known = result.size();
    for (std::size_t i = 0; i < known && !left.empty(); ++i) {
      std::vector<Box> next;
      for (const Box& piece : left) subtract(piece, result[i], next);
      left = std::move(next);
    }
    result.insert(result.end(), left.begin(), left.end());
  }
  return result;
}

}  // namespace novaplane::security
