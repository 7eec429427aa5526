#include "dataplane/api/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/api/outcomes.h"
#include "dataplane/api/preconditions.h"
#include "dataplane/api/sections.h"
#include "dataplane/cloud/text.h"
#include "dataplane/store/allocate.h"

namespace novaplane::api {
namespace {

using cloud::Kind;
using store::Copy;
using store::Declined;
using store::Proposal;
using Proposed = tl::expected<Proposal, Declined>;

// --- reading

std::optional<store::Revision> revision_of(const Copy& copy, const cloud::ObjectName& name) {
  if (!copy.checked().find(name)) return std::nullopt;
  return copy.revision_of(name);
}

std::string there_is_no(const cloud::ObjectName& name) {
  return "there is no " + cloud::to_string(name);
}

/// Whether each key of the query has its value; an empty one asks for objects without the key.
bool is_asked_for(const Query& query, const std::string& json) {
  if (query.values.empty()) return true;
  auto members = members_of(json);
  return members && std::ranges::all_of(query.values, [&](const auto& wanted) {
           const auto value = take(*members, wanted.first);
           if (!value) return wanted.second.empty();
           return is_value(*value, wanted.second);
         });
}

// --- writing

/// One object read into a proposal; where it could not be read, a finding says why.
Proposal proposal_of(const Copy& copy, const cloud::ObjectName& name, const std::string& json,
                     const cloud::ReadOptions& options = {}) {
  Proposal proposal;
  auto read = cloud::read_json(copy.cloud(), name, json, proposal.findings, options);
  if (read) {
    proposal.edits.push_back({name, std::move(read->object)});
  } else if (proposal.findings.empty()) {
    proposal.findings.add({}, "unreadable", "the object cannot be read");
  }
  return proposal;
}

/// The object after the commit, as GET answers it.
Reply written(const Backend& backend, const store::Done& done, const cloud::ObjectName& name,
              unsigned status) {
  const auto edit = std::ranges::find(done.edits, name, &cloud::ObjectEdit::name);
  const bool is_told = edit != done.edits.end() && edit->object;
  const auto revision = done.written ? done.revision : backend.copy.revision_of(name);
  Reply reply{status};
  reply.body = is_told ? cloud::to_json(backend.copy.cloud(), *edit->object)
                       : backend.copy.json_of(name).value_or("{}");
  reply.body += '\n';
  reply.headers.emplace_back("ETag", etag_of(revision));
  return reply;
}

/// Commits what `propose` makes of the object that is there (none: there is none).
template <class ProposeObject>
OrProblem<Reply> write(Backend& backend, const Call& call, ProposeObject&& propose) {
  const auto conditions = Preconditions::of(call.request);
  if (!conditions) return tl::unexpected(conditions.error());
  bool is_there = false;
  auto outcome = backend.committer.commit(
      [&](const Copy& copy) -> Proposed {
        const auto revision = revision_of(copy, call.object);
        is_there = revision.has_value();
        if (!is_there && call.request.method != "PUT") {
          return tl::unexpected(Declined{kAbsent, there_is_no(call.object)});
        }
        if (auto objection = conditions->objection(revision)) {
          return tl::unexpected(std::move(*objection));
        }
        return propose(copy);
      },
      call.request.by);
  return done_of(backend, std::move(outcome)).map([&](const store::Done& done) {
    if (call.request.method == "DELETE") return Reply{204};
    return written(backend, done, call.object, is_there ? 200 : 201);
  });
}

// --- creating

/// What is created, of a request's body.
struct Creation {
  Members members;   ///< the object's own
  std::string name;  ///< of a floating IP: its address; empty: of the pool
  std::string pool;
};

OrProblem<std::string> take_text(Members& members, const std::string& key) {
  const auto value = take(members, key);
  if (!value) return tl::unexpected(invalid({{"missing", key, "is missing"}}));
  auto text = text_of(*value);
  if (!text) return tl::unexpected(invalid({{"wrong-type", key, "must be text"}}));
  return std::move(*text);
}

OrProblem<Creation> creation_of(Kind kind, const std::string& body) {
  auto members = members_of(body);
  if (!members) return problem(400, "the body is no JSON object");
  const bool is_of_pool = kind == Kind::floating_ip && has(*members, "pool");
  if (is_of_pool && has(*members, "address")) {
    return tl::unexpected(
        invalid({{"bad-value", "pool", "is given with an address: one of the two"}}));
  }
  const std::string key = is_of_pool ? "pool" : kind == Kind::floating_ip ? "address" : "name";
  return take_text(*members, key).map([&](std::string text) {
    Creation creation{std::move(*members), {}, {}};
    (is_of_pool ? creation.pool : creation.name) = std::move(text);
    return creation;
  });
}

/// A floating IP of a pool, whose address is chosen first: it is the object's name.
Proposed of_pool(const Copy& copy, store::Allocator& allocator, const Creation& creation,
                 cloud::ObjectName& name) {
  return allocator.floating_ip(creation.pool).map([&](const cloud::FloatingIp& chosen) {
    name = cloud::name_of(chosen);
    Proposal proposal = proposal_of(copy, name, to_json(creation.members));
    for (cloud::ObjectEdit& edit : proposal.edits) {
      auto& ip = std::get<cloud::FloatingIp>(*edit.object);
      if (!has(creation.members, "uplink")) ip.uplink = chosen.uplink;
    }
    return proposal;
  });
}

/// An object that gets what it lacks: a port's address and MAC.
Proposed by_name(const Copy& copy, store::Allocator& allocator, const Creation& creation,
                 const cloud::ObjectName& name) {
  if (copy.checked().find(name)) {
    return tl::unexpected(Declined{kExists, cloud::to_string(name) + " is there already"});
  }
  Proposal proposal =
      proposal_of(copy, name, to_json(creation.members), {.optional = {"address", "mac"}});
  if (!proposal.findings.empty()) return proposal;
  return allocator.complete(proposal.edits).map([&] { return std::move(proposal); });
}

}  // namespace

cloud::ObjectName object_name(Kind kind, std::string name) {
  if (kind == Kind::floating_ip) {
    if (const auto address = IpAddress::parse(name)) name = address->to_string();
  }
  return {kind, std::move(name)};
}

OrProblem<Reply> list(Backend& backend, const Call& call) {
  if (auto allowed = call.query.allow(keys_of(call.object.kind)); !allowed) {
    return tl::unexpected(std::move(allowed.error()));
  }
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  const Copy& copy = backend.copy;
  std::string objects;
  for_each_object(copy, call.object.kind, [&](const cloud::AnyObject& object) {
    const std::string json = cloud::to_json(copy.cloud(), object);
    if (!is_asked_for(call.query, json)) return;
    if (!objects.empty()) objects += ',';
    objects += json_string(cloud::name_of(object).name) + ':' + json;
  });
  Reply reply;
  reply.body = fmt::format("{{\"revision\":{},\"{}\":{{{}}}}}\n", copy.revision(),
                           cloud::section_of(call.object.kind), objects);
  return from_copy(backend, std::move(reply));
}

OrProblem<Reply> get(Backend& backend, const Call& call) {
  const auto conditions = Preconditions::of(call.request);
  if (!conditions) return tl::unexpected(conditions.error());
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  const auto json = backend.copy.json_of(call.object);
  if (!json) return problem(404, there_is_no(call.object));
  const auto revision = backend.copy.revision_of(call.object);
  Reply reply{200, *json + '\n', "application/json", {{"ETag", etag_of(revision)}}};
  if (conditions->has(revision)) {
    reply.status = 304;
    reply.body.clear();
  }
  return from_copy(backend, std::move(reply));
}

OrProblem<Reply> put(Backend& backend, const Call& call) {
  return write(backend, call,
               [&](const Copy& copy) { return proposal_of(copy, call.object, call.request.body); });
}

OrProblem<Reply> patch(Backend& backend, const Call& call) {
  if (!members_of(call.request.body)) return problem(400, "the patch is no JSON object");
  return write(backend, call, [&](const Copy& copy) {
    const auto json = cloud::patched(copy.json_of(call.object).value(), call.request.body);
    return proposal_of(copy, call.object, json.value());
  });
}

OrProblem<Reply> remove(Backend& backend, const Call& call) {
  return write(backend, call, [&](const Copy&) {
    return Proposal{{{call.object, std::nullopt}}, {}};
  });
}

OrProblem<Reply> create(Backend& backend, const Call& call) {
  const auto creation = creation_of(call.object.kind, call.request.body);
  if (!creation) return tl::unexpected(creation.error());
  cloud::ObjectName name = object_name(call.object.kind, creation->name);
  auto outcome = backend.committer.commit(
      [&](const Copy& copy) {
        store::Allocator allocator(copy, backend.random, milliseconds_now());
        return creation->pool.empty() ? by_name(copy, allocator, *creation, name)
                                      : of_pool(copy, allocator, *creation, name);
      },
      call.request.by);
  return done_of(backend, std::move(outcome)).map([&](const store::Done& done) {
    Reply reply = written(backend, done, name, 201);
    reply.headers.emplace_back("Location", "/v1/" + cloud::to_string(name));
    return reply;
  });
}

}  // namespace novaplane::api
