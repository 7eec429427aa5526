#include "dataplane/nft/counters.h"

#include "dataplane/nft/listing.h"

namespace novaplane::nft {

Result<std::vector<std::pair<ElementKey, std::uint64_t>>> read_counters(const Set& set) {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  std::vector<std::pair<ElementKey, std::uint64_t>> counters;
  const auto read = Listing(*socket).each(set, [&](const RawElement& raw) {
    counters.emplace_back(to_value(set, raw).first, raw.packets);
  });
  if (!read) return tl::unexpected(read.error());
  return counters;
}

}  // namespace novaplane::nft
