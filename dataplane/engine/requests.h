#pragma once

#include <cerrno>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dataplane/engine/batch.h"
#include "dataplane/engine/kinds/kinds.h"

namespace novaplane::engine {

/// Numbers of links by their names, for one pass: asked for once.
class LinkNumbers {
 public:
  Result<int> of(const std::string& link, const netlink::Socket& socket) {
    constexpr int kLoopback = 1;  // in every network namespace (net/flow.h, LOOPBACK_IFINDEX)
    if (link == "lo") return kLoopback;
    const auto known = numbers_.find(link);
    if (known != numbers_.end()) return known->second;
    auto number = socket.index_of(link);
    if (number) numbers_.emplace(link, *number);
    return number;
  }
  void forget(const std::string& link) { numbers_.erase(link); }
  void clear() { numbers_.clear(); }

 private:
  std::unordered_map<std::string, int> numbers_;
};

/// Requests for the changes of one phase, in four batches: `removal` of rows; and of a row that
/// comes or changes `first` for what is in the way (where it is gone already that is no error),
/// `then`, and `last` for what the change has left over. For kinds of which a row is a matter of a
/// request or two:
///
/// - `add(change, requests)`: a row comes, or changes;
/// - `remove(change, requests)`: ENODEV where its link is gone, which is no error;
/// - `explain(error)`: adds words to an answer of the kernel's.
class Requests {
 public:
  Requests(const netlink::Socket& socket, LinkNumbers& numbers,
           const std::unordered_set<std::string>& missing)
      : socket_(socket), numbers_(numbers), missing_(missing) {}

  /// What follows is for that step.
  void begin(std::size_t step) { step_ = step; }

  Result<int> number_of(const std::string& link) { return numbers_.of(link, socket_); }
  /// Whether it could not be made in this pass.
  bool is_missing(const std::string& link) const { return missing_.contains(link); }

  void removal(netlink::Request request) { removals_.add(step_, std::move(request)); }
  void first(netlink::Request request) { first_.add(step_, std::move(request)); }
  void then(netlink::Request request) { then_.add(step_, std::move(request)); }
  void last(netlink::Request request) { last_.add(step_, std::move(request)); }

  void send(netlink::Socket& socket, std::span<Result<void>> results) {
    // What is gone already, or has gone with its link.
    removals_.send(socket, results, {ESRCH, ENOENT, EADDRNOTAVAIL, ENODEV, ENXIO});
    first_.send(socket, results, {EADDRNOTAVAIL});
    then_.send(socket, results);
    last_.send(socket, results, {ESRCH});
  }

 private:
  const netlink::Socket& socket_;
  LinkNumbers& numbers_;
  const std::unordered_set<std::string>& missing_;
  std::size_t step_ = 0;
  Batch removals_, first_, then_, last_;
};

/// A change of such a kind.
template <class T>
concept SaidByRequests = RowChange<T> && requires(const T& change, Requests& requests) {
  KindOf<T>::add(change, requests);
};

}  // namespace novaplane::engine
