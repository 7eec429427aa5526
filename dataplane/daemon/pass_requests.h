#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/reports.h"
#include "dataplane/engine/plan.h"

namespace novaplane::daemon {

/// Requests that wait for a pass. Each is answered by itself, with the report of the first pass
/// that began after it: what was changed by orders that were sent since it asked, and what fails
/// when that pass has ended. A request that is late, or whose client has gone, concerns no other.
class PassRequests {
 public:
  /// Numbers requests in their order; see Reconciler::pass_now.
  using Ticket = std::uint64_t;
  using Failures = std::vector<PassReport::Failure>;
  static constexpr std::chrono::seconds kLongest{120};

  struct Client {
    std::function<void(PassReport)> answer;
    std::function<bool()> is_awaited = [] { return true; };  ///< false: it has gone
  };

  explicit PassRequests(Loop& loop, std::chrono::milliseconds longest = kLongest)
      : loop_(loop), longest_(longest) {}

  /// `error`: why the document that it asked for is not in force; the pass is made all the same.
  void add(Ticket ticket, Client client, std::string error);
  /// Whether anybody waits.
  bool any();

  /// Steps of a request that was sent after the requests up to `sent_after` had asked.
  void note(const PassReport::Steps& steps, Ticket sent_after);
  /// The pass that began after the requests up to `began_after` has ended.
  void finish(Ticket began_after, const Failures& failures);
  /// Another document has come into force: those who wait for the one before get no more of it.
  void supersede();

 private:
  struct Request {
    Request(Loop& loop, Ticket ticket, Client client)
        : ticket(ticket), client(std::move(client)), deadline(loop, "late request") {}
    Ticket ticket;
    Client client;
    PassReport report;
    Timer deadline;
  };
  static void answer(Request& request);
  void answer_late(Ticket ticket);

  Loop& loop_;
  std::chrono::milliseconds longest_;
  std::list<Request> requests_;
};

}  // namespace novaplane::daemon
