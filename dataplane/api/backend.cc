#include "dataplane/api/backend.h"

#include <chrono>

namespace novaplane::api {

OrProblem<void> refresh(Backend& backend) {
  const store::Hold& hold = backend.follower.follow();
  if (hold && backend.copy.identity().empty()) return tl::unexpected(held(hold));
  return {};
}

Reply from_copy(const Backend& backend, Reply reply) {
  if (!backend.follower.hold()) return reply;
  // RFC 7234, 5.5.1. RFC 9111 has dropped it; nothing has taken its place.
  reply.headers.emplace_back("Warning", "110 - \"Response is Stale\"");
  // RFC 9111, 5.1: since it was known to be what the store has.
  if (const auto age = seconds_held(backend))
    reply.headers.emplace_back("Age", std::to_string(*age));
  return reply;
}

std::optional<std::int64_t> seconds_held(const Backend& backend) {
  const auto since = backend.follower.good_at();
  if (since == store::Clock::time_point::min()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(store::Clock::now() - since).count();
}

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace novaplane::api
