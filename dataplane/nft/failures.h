#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/nft/batch.h"
#include "dataplane/nft/elements.h"
#include "dataplane/nft/transaction.h"

/// From the kernel's answer to what an operator reads.
namespace novaplane::nft {

/// One NLMSG_ERROR with its extended ack.
struct Answer {
  std::uint32_t sequence = 0;
  int code = 0;  ///< errno, positive; 0: an acknowledgement
  std::string words;
  std::optional<std::uint32_t> offset;  ///< of the attribute that it is about, within the message
};
Answer parse_answer(const nlmsghdr*);

/// What was sent.
struct Sent {
  const Batch& batch;
  const Ruleset& ruleset;
  const Transaction* transaction;  ///< null: no elements
  const ElementsBySet& removals;
  const ElementsBySet& additions;
};
CommitError explain(const Answer&, const Sent&);

CommitError unknown_set(const ElementKey&, Batch::Subject::Kind, std::size_t index);
tl::expected<void, CommitError> check_element(const Set&, const ElementKey&, const Element&,
                                              std::size_t index);

}  // namespace novaplane::nft
