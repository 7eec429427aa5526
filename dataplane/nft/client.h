#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/nft/ruleset_diff.h"
#include "dataplane/nft/transaction.h"

namespace novaplane::nft {

/// What the kernel's tables hold.
struct Observed {
  std::uint32_t generation = 0;
  SeenTables tables;
  /// Of all sets of the ruleset that are as it declares them; no packets' own.
  std::vector<std::pair<ElementKey, Element>> elements;
};

/// Reads and writes our two tables over a socket of its own. For one thread at a time; belongs to
/// the network namespace in which it was opened.
class Client {
 public:
  /// The ruleset has the sets that observe() lists, and what repairs write.
  static Result<Client> open(SharedRuleset ruleset);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// One consistent listing (the generation did not move meanwhile).
  Result<Observed> observe();

  /// Asks the kernel.
  Result<std::uint32_t> ask_generation();

  /// An empty transaction is not sent.
  tl::expected<void, CommitError> commit(const Transaction&);

  /// Both tables go; absent tables are no error.
  Result<void> remove_tables();

  /// The generation after the last observation or commit, so that a following commit needs no
  /// question; none when the last commit was sent without a generation, or failed.
  std::optional<std::uint32_t> generation() const;

  /// The sender of our own changes, as Monitor tells them.
  std::uint32_t port_id() const;

  /// Another ruleset from now on.
  void use(SharedRuleset ruleset);
  const SharedRuleset& ruleset() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace novaplane::nft
