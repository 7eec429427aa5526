#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/cloud/cloud.h"

namespace novaplane::engine {

/// Bits of packet marks that are ours: where in the host's `mark_mask` each of our numbers lies.
/// The lowest four bits of the mask tell an uplink, the next one a trusted port, the next three
/// what security groups know of a packet, the highest four an uplink preference; what is between is
/// not used. Bits beyond the mask are others': never read nor written.
class Marks {
 public:
  static constexpr std::uint32_t kMost = 15;  ///< uplinks, and preferences of them

  constexpr explicit Marks(std::uint32_t mask = cloud::kMarkMask) : mask_(mask) {}

  /// A frame came in by an underlay port of the operator's. What comes from a bridge of ours
  /// without it is a guest's: so is what comes by a port that nobody has told us of.
  constexpr std::uint32_t trusted() const { return bit(kBits); }
  /// The uplink that a packet has to leave by (no bit: whichever), from 1 to kMost. Flows keep it
  /// as their conntrack mark.
  constexpr std::uint32_t uplink(std::uint32_t number) const { return spread(number, 0); }
  constexpr std::uint32_t any_uplink() const { return uplink(kMost); }
  /// The uplink preference that a guest's packet takes, from 1 to kMost.
  constexpr std::uint32_t preference(std::uint32_t number) const {
    return spread(number, std::popcount(mask_) - kBits);
  }
  constexpr std::uint32_t any_preference() const { return preference(kMost); }
  // Of hosts with security groups; 0 where the mask has no bits for them (kMarkBitsOfGroups).
  /// The host itself has sent it to a guest.
  constexpr std::uint32_t host() const { return of_groups(0); }
  /// It belongs to a translated flow that goes on: no group is asked.
  constexpr std::uint32_t passes() const { return of_groups(1); }
  /// No egress rule lets it through.
  constexpr std::uint32_t condemned() const { return of_groups(2); }
  constexpr std::uint32_t of_groups() const { return host() | passes() | condemned(); }
  constexpr std::uint32_t all() const {
    return trusted() | of_groups() | any_uplink() | any_preference();
  }

  bool operator==(const Marks&) const = default;

 private:
  static constexpr int kBits = 4;
  static constexpr int kOfGroups = 3;
  static_assert(kMost == (1u << kBits) - 1 && cloud::kFewestMarkBits == 2 * kBits + 1);

  constexpr std::uint32_t of_groups(int number) const {
    const bool has_room = std::popcount(mask_) >= cloud::kFewestMarkBits + kOfGroups;
    return has_room ? bit(kBits + 1 + number) : 0;
  }

  /// The mask's bit that has so many below it.
  constexpr std::uint32_t bit(int place) const {
    std::uint32_t left = mask_;
    for (; place > 0; --place) left &= left - 1;
    return left & -left;
  }
  constexpr std::uint32_t spread(std::uint32_t number, int place) const {
    std::uint32_t bits = 0;
    for (int i = 0; i < kBits; ++i) {
      if (number & 1u << i) bits |= bit(place + i);
    }
    return bits;
  }

  std::uint32_t mask_;
};

}  // namespace novaplane::engine
