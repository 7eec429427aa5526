#include "dataplane/daemon/pass_requests.h"

#include <fmt/format.h>

namespace novaplane::daemon {

void PassRequests::add(Ticket ticket, Client client, std::string error) {
  Request& request = requests_.emplace_back(loop_, ticket, std::move(client));
  request.report.error = std::move(error);
  request.deadline.after(longest_, [this, ticket] { answer_late(ticket); });
}

bool PassRequests::any() {
  requests_.remove_if([](const Request& request) { return !request.client.is_awaited(); });
  return !requests_.empty();
}

void PassRequests::note(const PassReport::Steps& steps, Ticket sent_after) {
  for (Request& request : requests_) {
    if (request.ticket <= sent_after) request.report.tried.push_back(steps);
  }
}

void PassRequests::answer(Request& request) { request.client.answer(std::move(request.report)); }

void PassRequests::finish(Ticket began_after, const Failures& failures) {
  requests_.remove_if([&](Request& request) {
    if (request.ticket > began_after) return false;
    request.report.failures = failures;
    answer(request);
    return true;
  });
}

void PassRequests::answer_late(Ticket ticket) {
  requests_.remove_if([&](Request& request) {
    if (request.ticket != ticket) return false;
    request.report.error =
        fmt::format("still at work after {} s: `novaplane plan` tells what is left to do",
                    std::chrono::duration_cast<std::chrono::seconds>(longest_).count());
    answer(request);
    return true;
  });
}

void PassRequests::supersede() {
  for (Request& request : requests_) {
    request.report.error = "another document came into force before this one was applied";
    answer(request);
  }
  requests_.clear();
}

}  // namespace novaplane::daemon
