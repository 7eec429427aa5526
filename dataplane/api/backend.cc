#include "dataplane/api/backend.h"

#include <chrono>

namespace novaplane::api {

OrProblem<void> refresh(Backend& backend) {
  const store::Hold& hold = backend.follower.follow();
  if (hold && backend.copy.identity().empty()) return tl::unexpected(held(hold));
  return {};
}

Reply from_copy(const Backend& backend, Reply reply) {
  // RFC 7234, 5.5.1. RFC 9111 has dropped it; nothing has taken its place.
  if (backend.follower.hold()) {
    reply.headers.emplace_back("Warning", "110 - \"Response is Stale\"");
  }
  return reply;
}

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace novaplane::api
