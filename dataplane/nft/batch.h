#pragma once

#include <libmnl/libmnl.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/nft/values.h"

namespace novaplane::nft {

/// The messages of one transaction, in blocks that are reused by the next. A message never moves
/// while it is written, so libmnl and libnftnl write into it directly.
class Batch {
 public:
  /// What a message is about, to say so when it fails.
  struct Subject {
    enum class Kind : std::uint8_t { batch, table, set, chain, rule, repair, remove, add };
    Kind kind = Kind::batch;
    std::size_t index = 0;  ///< in the ruleset's list, of a part of the repair, or of the first
                            ///< element in the order of the transaction
    Family family = Family::inet;
  };

  /// Largest message: an attribute holds 64 KiB, and elements stop well before.
  static constexpr std::size_t kLongestMessage = 48 * 1024;

  /// Starts with BATCH_BEGIN; earlier content goes.
  void begin(std::optional<std::uint32_t> generation);

  /// A new message (NFT_MSG_*); what was before it is complete. Valid until the next call.
  nlmsghdr* message(std::uint16_t type, std::uint16_t flags, const Subject& subject);

  /// Asks for an answer to the last message and adds BATCH_END.
  void end();

  std::span<const iovec> parts() const { return parts_; }
  std::size_t size() const;
  std::uint32_t last_sequence() const { return first_sequence_ + subjects_.size() - 1; }

  /// The message with that sequence number, if it is of this batch.
  const Subject* subject(std::uint32_t sequence) const;
  const nlmsghdr* find(std::uint32_t sequence) const;

  /// Gives back what only a large transaction needed.
  void shrink();

 private:
  static constexpr std::size_t kBlock = 256 * 1024;
  using Block = std::unique_ptr<std::byte[]>;

  nlmsghdr* start(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                  std::uint16_t resource);
  void complete();
  void next_block();

  std::vector<Block> blocks_;
  std::vector<iovec> parts_;  ///< the used part of each block
  nlmsghdr* open_ = nullptr;
  std::vector<Subject> subjects_;
  std::uint32_t first_sequence_ = 1;
};

}  // namespace novaplane::nft
