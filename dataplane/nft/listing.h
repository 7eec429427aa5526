#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/nft/elements.h"
#include "dataplane/nft/ruleset_diff.h"
#include "dataplane/nft/socket.h"

/// Reading of what the kernel has.
namespace novaplane::nft {

class Listing {
 public:
  explicit Listing(Socket& socket) : socket_(socket) {}

  Result<std::uint32_t> generation();
  Result<SeenTable> table(Family);
  Result<void> elements(const Set&, std::vector<std::pair<ElementKey, Element>>& out);
  /// As the kernel gives them; some may come twice, see torn().
  Result<void> each(const Set&, const std::function<void(const RawElement&)>&);

  /// Part of it may be missing, whosever tables changed: the kernel was moving a set's elements to
  /// a larger hash table, or others' chains came and went. Whether ours changed, generations tell.
  bool torn() const { return torn_; }

 private:
  using Handler = std::function<void(const nlmsghdr*)>;

  nlmsghdr* request(std::uint16_t type, std::uint16_t flags, Family family);
  /// Sends the request and hands over the answers; what is not there (ENOENT) has none.
  Result<void> ask(nlmsghdr* request, std::string_view what, const Handler&);
  Result<void> chains(Family, SeenTable&);
  Result<void> rules(Family, SeenTable&);
  Result<void> sets(Family, SeenTable&);

  Socket& socket_;
  std::uint32_t sequence_ = 0;  ///< of the last request
  bool interrupted_ = false;    ///< what was listed last (NLM_F_DUMP_INTR)
  bool torn_ = false;
  alignas(nlmsghdr) std::byte request_[512];
};

}  // namespace novaplane::nft
