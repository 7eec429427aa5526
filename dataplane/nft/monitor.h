#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "dataplane/base/error.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::nft {

struct ElementAdded {
  ElementKey key;
  Element element;
};
struct ElementRemoved {
  ElementKey key;
};
/// A table, chain, rule or set of ours came or went, or elements of an interval set did (the kernel
/// tells of halves of ranges, so those are to be listed). Observe again, unless it was us.
struct RulesetModified {
  std::string words;  ///< "a rule of chain inet novaplane forward was deleted"
};
/// Ends the events of one transaction; also told when only foreign tables changed.
struct NewGeneration {
  std::uint32_t id = 0;
  std::uint32_t pid = 0;
  std::string process;
};

struct Event {
  std::uint32_t port_id =
      0;  ///< of the socket that made the change; Client::port_id() when it was us
  std::variant<ElementAdded, ElementRemoved, RulesetModified, NewGeneration> what;
};

/// Receives the events of our two tables. Events of other tables are skipped, except for the
/// generation.
class Monitor {
 public:
  /// The ruleset tells which sets there are. Belongs to the network namespace in which it was
  /// opened.
  static Result<Monitor> open(const Ruleset& ruleset);
  Monitor(Monitor&&) noexcept;
  Monitor& operator=(Monitor&&) noexcept;
  ~Monitor();

  int fd() const;  ///< readable when there is something to drain

  /// Elements that this sender (Client::port_id) adds and removes are not told, its generations
  /// are: whoever sends them knows from the answer.
  Result<void> ignore_elements_of(std::uint32_t sender);

  /// Not to listen for a while: when somebody does, the kernel builds an event for each element,
  /// which is a third of what a large transaction costs. The generation tells whether something
  /// was missed.
  Result<void> pause();
  Result<void> resume();

  enum class Drained : std::uint8_t { all, lost };

  /// Hands over what has arrived, without waiting. `lost`: the kernel dropped events (ENOBUFS); a
  /// generation equal to our own last one then means that nothing foreign happened.
  Result<Drained> drain(const std::function<void(Event)>& handle);

 private:
  struct Impl;
  explicit Monitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace novaplane::nft
