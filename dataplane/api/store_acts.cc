#include "dataplane/api/store_acts.h"

#include <fmt/format.h>

#include <utility>

#include "dataplane/api/outcomes.h"
#include "dataplane/api/store_requests.h"
#include "dataplane/store/restore.h"

namespace novaplane::api {
namespace {

using Rewritten = tl::expected<store::Change, store::Declined>;

/// The `path` of the body, which has nothing else.
OrProblem<std::string> path_in(const std::string& body) {
  auto members = members_of(body);
  if (!members) return problem(400, "the body is no JSON object");
  const auto value = take(*members, "path");
  const auto path = value ? text_of(*value) : std::nullopt;
  if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) {
    return tl::unexpected(invalid({{"bad-value", "path", "must be an absolute path, as text"}}));
  }
  if (!members->empty()) {
    return tl::unexpected(
        invalid({{"unknown-key", members->front().first, "unknown key; known: path"}}));
  }
  return *path;
}

std::string state_of(store::Revision revision, std::size_t objects, const store::Digest& digest) {
  return fmt::format(R"({{"revision":{},"objects":{},"digest":"{}"}})", revision, objects,
                     to_string(digest));
}

}  // namespace

OrProblem<Reply> init(Backend& backend, const Call& call) {
  store::Outcome outcome = backend.committer.rewrite(
      [](const store::Snapshot& is) -> Rewritten {
        if (is.revision == 0) return store::Change();
        return tl::unexpected(store::Declined{
            kExists, fmt::format("the store has a cloud, at revision {}", is.revision)});
      },
      call.request.by);
  auto done = done_of(backend, std::move(outcome));
  if (!done) return tl::unexpected(std::move(done.error()));
  backend.follower.follow();
  return Reply{201, fmt::format("{{\"revision\":{}}}\n", done->revision)};
}

OrProblem<Reply> check_store(Backend& backend, const Call&) {
  auto advice = backend.store.check();
  if (!advice) return tl::unexpected(failed(advice.error()));
  const store::Hold hold = backend.follower.follow();
  const auto is = backend.store.load();
  if (!is) return tl::unexpected(failed(is.error()));
  if (const store::Hold fault = fault_of(*is)) advice->push_back(fault.words);
  const store::Copy& copy = backend.copy;
  // While others write, both may be at different revisions.
  const bool is_equal = copy.revision() == is->revision && copy.digest() == is->digest;
  if (!is_equal && copy.revision() == is->revision && !hold) {
    advice->emplace_back("this host's copy is not what the store has at that revision");
  }
  if (hold) advice->push_back(hold.words);
  std::string sentences;
  for (const std::string& one : *advice) {
    sentences += (sentences.empty() ? "" : ",") + json_string(one);
  }
  Reply reply;
  reply.body = fmt::format("{{\"advice\":[{}],\"store\":{},\"copy\":{},\"equal\":{}}}\n", sentences,
                           state_of(is->revision, is->objects, is->digest),
                           state_of(copy.revision(), copy.objects(), copy.digest()), is_equal);
  return reply;
}

OrProblem<Reply> accept(Backend& backend, const Call& call) {
  backend.follower.accept();
  if (const store::Hold& hold = backend.follower.follow()) return tl::unexpected(held(hold));
  return status_reply(backend, call.situation);
}

OrProblem<Reply> back_up(Backend& backend, const Call& call) {
  const auto path = path_in(call.request.body);
  if (!path) return tl::unexpected(path.error());
  if (auto done = backend.store.back_up(*path); !done) return tl::unexpected(failed(done.error()));
  Reply reply;
  reply.body = fmt::format("{{\"path\":{}}}\n", json_string(*path));
  return reply;
}

OrProblem<Reply> restore(Backend& backend, const Call& call) {
  if (auto allowed = call.query.allow({"dry_run"}); !allowed) {
    return tl::unexpected(std::move(allowed.error()));
  }
  const auto is_dry = call.query.flag("dry_run");
  if (!is_dry) return tl::unexpected(is_dry.error());
  const auto path = path_in(call.request.body);
  if (!path) return tl::unexpected(path.error());
  const auto kept = store::read_back_up(*path);
  if (!kept) return tl::unexpected(invalid({{"bad-value", "path", kept.error().words}}));
  auto restored = store::restore(backend.store, backend.committer, *kept, call.request.by, *is_dry);
  auto done = done_of(backend, std::move(restored.outcome));
  if (!done) return tl::unexpected(std::move(done.error()));
  if (!*is_dry) backend.follower.follow();
  Reply reply;
  reply.body = fmt::format(R"({{"revision":{},"dry_run":{},"put":{},"removed":{},"kept":{}}})"
                           "\n",
                           done->revision, *is_dry, restored.put, restored.removed,
                           state_of(kept->revision, kept->objects, kept->digest));
  return reply;
}

}  // namespace novaplane::api
