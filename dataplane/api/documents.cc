#include "dataplane/api/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/api/outcomes.h"
#include "dataplane/api/preconditions.h"
#include "dataplane/cloud/text.h"
#include "dataplane/store/apply.h"
#include "dataplane/store/commit_in_steps.h"

namespace novaplane::api {
namespace {

struct Options {
  bool dry_run = false, prunes = false;
};

OrProblem<Options> options_of(const Query& query) {
  if (auto allowed = query.allow({"dry_run", "prune"}); !allowed) {
    return tl::unexpected(std::move(allowed.error()));
  }
  const auto dry_run = query.flag("dry_run");
  if (!dry_run) return tl::unexpected(dry_run.error());
  return query.flag("prune").map([&](bool prunes) { return Options{*dry_run, prunes}; });
}

/// An empty text would be an empty cloud: it is a client that has failed to read its file.
OrProblem<cloud::Document> read(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return problem(400, "the body is empty; an empty document is {}");
  }
  auto document = cloud::parse_part(text, "body");
  if (document) return std::move(*document);
  Problem problem = invalid(found_in(document.error()));
  const auto is_unreadable = [](const Found& found) {
    return found.kind == "syntax" || found.kind == "encoding";
  };
  if (std::ranges::any_of(problem.findings, is_unreadable)) problem.status = 400;
  return tl::unexpected(std::move(problem));
}

bool says_nothing(const std::optional<cloud::AnyObject>& object) {
  const auto* ranges = object ? std::get_if<cloud::Ranges>(&*object) : nullptr;
  return !object || (ranges && *ranges == cloud::Ranges());
}

/// `{"kind":"ports","name":"web1","what":"added"}`
std::string change_of(const store::Copy& copy, const cloud::ObjectEdit& edit) {
  const bool was_there = !says_nothing(copy.checked().find(edit.name));
  const auto what = says_nothing(edit.object) ? "removed" : was_there ? "changed" : "added";
  return fmt::format(R"({{"kind":"{}","name":{},"what":"{}"}})", cloud::section_of(edit.name.kind),
                     json_string(edit.name.name), what);
}

/// A document that is put.
class Application {
 public:
  Application(cloud::Document document, bool prunes, Preconditions conditions)
      : document_(std::move(document)), prunes_(prunes), conditions_(std::move(conditions)) {}

  tl::expected<store::Proposal, store::Declined> propose(const store::Copy& copy) {
    if (auto objection = conditions_.objection(copy.revision())) {
      return tl::unexpected(std::move(*objection));
    }
    store::Proposal proposal = rest(copy);
    changes_.clear();
    for (const cloud::ObjectEdit& edit : proposal.edits) {
      if (!changes_.empty()) changes_ += ',';
      changes_ += change_of(copy, edit);
    }
    return proposal;
  }

  /// What is left to be done, whatever was changed meanwhile.
  store::Proposal rest(const store::Copy& copy) const {
    return {store::edits_to(copy, document_, prunes_), {}};
  }

  Reply reply(const store::Done& done, bool dry_run) const {
    Reply reply;
    reply.body = fmt::format("{{\"revision\":{},\"dry_run\":{},\"changes\":[{}]}}\n", done.revision,
                             dry_run, done.written ? changes_ : "");
    return reply;
  }

 private:
  cloud::Document document_;
  bool prunes_;
  Preconditions conditions_;
  std::string changes_;
};

}  // namespace

OrProblem<Reply> document(Backend& backend, const Call& call) {
  const auto conditions = Preconditions::of(call.request);
  if (!conditions) return tl::unexpected(conditions.error());
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  const store::Copy& copy = backend.copy;
  Reply reply;
  reply.headers = {{"ETag", etag_of(copy.revision())}, {"Vary", "Accept"}};
  if (conditions->has(copy.revision())) {
    reply.status = 304;
  } else if (call.request.accept.find("application/json") != std::string::npos) {
    reply.body = cloud::to_json(copy.cloud(), copy.pools()) + '\n';
  } else {
    reply.content_type = "application/yaml";
    reply.body = cloud::to_yaml(copy.cloud(), copy.pools());
  }
  return from_copy(backend, std::move(reply));
}

OrProblem<Reply> apply(Backend& backend, const Call& call) {
  const auto options = options_of(call.query);
  if (!options) return tl::unexpected(options.error());
  auto conditions = Preconditions::of(call.request);
  if (!conditions) return tl::unexpected(std::move(conditions.error()));
  auto document = read(call.request.body);
  if (!document) return tl::unexpected(std::move(document.error()));
  Application application(std::move(*document), options->prunes, std::move(*conditions));
  const auto propose = [&](const store::Copy& copy) { return application.propose(copy); };
  const auto propose_rest = [&](const store::Copy& copy) { return application.rest(copy); };
  store::Steps steps = options->dry_run
                           ? store::Steps{backend.committer.dry_run(propose)}
                           : store::commit_in_steps(backend.committer, backend.store.limits(),
                                                    propose, propose_rest, call.request.by);
  if (auto* found = std::get_if<store::Invalid>(&steps.outcome)) {
    cloud::locate(call.request.body, found->findings);
  }
  const auto done = done_of(backend, std::move(steps.outcome));
  if (done) return application.reply(*done, options->dry_run);
  Problem problem = done.error();
  if (steps.written > 0) {
    problem.detail +=
        fmt::format("; {} objects were written before that: apply again to go on", steps.written);
  }
  return tl::unexpected(std::move(problem));
}

}  // namespace novaplane::api
