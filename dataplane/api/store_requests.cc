#include "dataplane/api/store_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace novaplane::api {
namespace {

// --- status

std::string json_of(const std::optional<store::Status>& status) {
  if (!status) return "null";
  return fmt::format(
      R"({{"kind":{},"location":{},"identity":{},"revision":{},"oldest":{},"writable":{}}})",
      json_string(status->kind), json_string(status->location), json_string(status->identity),
      status->revision, status->oldest, status->writable);
}

std::string hold_json(std::string_view reason, std::string_view words) {
  return fmt::format(R"({{"reason":{},"words":{}}})", json_string(reason), json_string(words));
}

/// Why the kernel does not get what the store says: the copy is held, or the daemon does not take
/// it.
std::string hold_of(const store::Hold& hold, const Situation& situation) {
  if (hold) return hold_json(to_string(hold.reason), hold.words);
  return situation.objection.empty() ? "null" : hold_json("not-taken", situation.objection);
}

std::string json_of(const std::optional<Kept>& kept) {
  if (!kept) return "null";
  return fmt::format(R"({{"path":{},"revision":{},"trouble":{}}})", json_string(kept->path),
                     kept->revision, kept->trouble.empty() ? "null" : json_string(kept->trouble));
}

}  // namespace

Reply status_reply(Backend& backend, const Situation& situation) {
  if (auto status = backend.store.status()) backend.status = std::move(*status);
  Reply reply;
  reply.body = fmt::format(
      "{{\"host\":{},\"version\":{},\"store\":{},\"revision\":{},\"applied\":{},\"replica\":{},"
      "\"hold\":{}}}\n",
      json_string(situation.host), json_string(situation.version), json_of(backend.status),
      backend.copy.revision(), situation.applied, json_of(situation.kept),
      hold_of(backend.follower.hold(), situation));
  return from_copy(backend, std::move(reply));
}

// --- history

namespace {

std::string json_of(const store::Change& change) {
  std::string objects;
  for (const store::Write& write : change.writes) {
    objects += (objects.empty() ? "" : ",") + json_string(to_string(write.key));
  }
  return fmt::format(R"({{"revision":{},"at":{},"by":{},"id":{},"objects":[{}]}})", change.revision,
                     change.at, json_string(change.by), json_string(change.id), objects);
}

using Changes = std::vector<store::Change>;

/// The newest ones. Revisions may be left out: then as many numbers hold fewer changes.
store::Answer<Changes> newest(store::Store& store, std::size_t limit) {
  const auto status = store.status();
  if (!status) return tl::unexpected(status.error());
  for (std::uint64_t numbers = limit;; numbers *= 2) {
    const auto reach = std::min(numbers, status->revision);
    const auto after = std::max(status->revision - reach, status->oldest);
    auto changes = store.history_after(after, numbers);
    if (!changes) return changes;
    if (changes->size() < limit && after > status->oldest) continue;
    const auto surplus = changes->size() - std::min(limit, changes->size());
    changes->erase(changes->begin(), changes->begin() + static_cast<std::ptrdiff_t>(surplus));
    return changes;
  }
}

}  // namespace

OrProblem<Reply> status(Backend& backend, const Call& call) {
  backend.follower.follow();
  return status_reply(backend, call.situation);
}

OrProblem<Reply> history(Backend& backend, const Call& call) {
  constexpr std::uint64_t kUsual = 100, kMost = 1000;
  if (auto allowed = call.query.allow({"after", "limit"}); !allowed) {
    return tl::unexpected(std::move(allowed.error()));
  }
  const auto limit = call.query.number("limit", kUsual, 1, kMost);
  if (!limit) return tl::unexpected(limit.error());
  const auto after = call.query.number("after", 0);
  if (!after) return tl::unexpected(after.error());
  const auto changes = call.query.values.contains("after")
                           ? backend.store.history_after(*after, *limit)
                           : newest(backend.store, *limit);
  if (!changes) return tl::unexpected(failed(changes.error()));
  std::string text;
  for (const store::Change& change : *changes) text += (text.empty() ? "" : ",") + json_of(change);
  Reply reply;
  reply.body = fmt::format("{{\"changes\":[{}]}}\n", text);
  return reply;
}

OrProblem<store::Revision> begin_watch(Backend& backend, const WatchRequest& watch) {
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  const store::Revision after = watch.after.value_or(backend.copy.revision());
  const auto changes = backend.store.history_after(after, 1);
  if (!changes) return tl::unexpected(failed(changes.error()));
  return after;
}

OrProblem<Reply> watch(Backend& backend, const Call& call) {
  if (auto allowed = call.query.allow({"revision"}); !allowed) {
    return tl::unexpected(std::move(allowed.error()));
  }
  const auto revision = call.query.number("revision", 0);
  if (!revision) return tl::unexpected(revision.error());
  const bool has_revision = call.query.values.contains("revision");
  const WatchRequest watch{has_revision ? std::optional(*revision) : std::nullopt};
  return begin_watch(backend, watch).map([](store::Revision) {
    return Reply{200, "", "application/x-ndjson", {}};
  });
}

}  // namespace novaplane::api
