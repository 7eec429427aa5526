#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/store/change_json.h"
#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "dataplane/store/etcd/etcd_store.h"
#include "dataplane/store/etcd/requests.h"

/// What is read as a list: the whole cloud, its history, hosts.
namespace novaplane::store::etcd {

namespace pb = etcdserverpb;

namespace {

/// Larger ones are hardly faster, and take memory at both ends.
constexpr std::int64_t kPage = 10'000;
constexpr std::chrono::seconds kPageWithin{10};

}  // namespace

/// Page by page, all at the revision of the first one, which a majority has to confirm.
Answer<Revision> EtcdStore::list(const std::string& begin, const std::string& end,
                                 const std::function<void(pb::KeyValue&)>& take) {
  pb::RangeRequest request;
  request.set_key(begin);
  request.set_range_end(end);
  request.set_limit(kPage);
  for (;;) {
    pb::RangeResponse page;
    const auto call = [&](const auto& channel, grpc::ClientContext& context) {
      return pb::KV::NewStub(channel)->Range(&context, request, &page);
    };
    auto asked = members_->ask(Use::lists, call, kPageWithin);
    if (!asked) return tl::unexpected(asked.error());
    if (request.revision() == 0) request.set_revision(page.header().revision());
    if (!page.kvs().empty()) request.set_key(page.kvs().rbegin()->key() + '\0');
    for (pb::KeyValue& pair : *page.mutable_kvs()) take(pair);
    if (!page.more()) return static_cast<Revision>(request.revision());
    request.set_serializable(true);
  }
}

Answer<Snapshot> EtcdStore::read_snapshot(Revision& at) {
  if (auto looked = look(); !looked) return tl::unexpected(looked.error());
  Snapshot snapshot;
  snapshot.identity = seen_.head.identity;
  std::optional<Change> guard;
  const auto take = [&](pb::KeyValue& pair) {
    const auto revision = static_cast<Revision>(pair.mod_revision());
    if (pair.key() == keys_.guard()) {
      guard = parse_change(pair.value());
      snapshot.revision = revision;
    } else if (auto key = keys_.object_of(pair.key())) {
      snapshot.records.push_back({std::move(*key), std::move(*pair.mutable_value()), revision});
    }
  };
  const auto listed = list(keys_.guard(), keys_.guard_and_objects_end(), take);
  if (!listed) return tl::unexpected(listed.error());
  at = *listed;
  const bool is_empty = snapshot.revision == 0 && snapshot.records.empty();
  if (!guard && !is_empty) {
    return tl::unexpected(
        Failure{Trouble::broken, fmt::format("{}: the key {} is missing or damaged",
                                             members_->place().text(), keys_.guard())});
  }
  if (!guard) return snapshot;
  snapshot.change = guard->id;
  snapshot.format = guard->format;
  snapshot.objects = guard->objects;
  snapshot.digest = guard->digest;
  return snapshot;
}

/// A list that etcd has forgotten half-way is begun again.
Answer<Snapshot> EtcdStore::load() {
  Revision at = 0;
  auto snapshot = read_snapshot(at);
  if (!snapshot && snapshot.error().trouble == Trouble::compacted) snapshot = read_snapshot(at);
  if (!snapshot) return snapshot;
  seen_.head.revision = snapshot->revision;
  seen_.head.change = snapshot->change;
  seen_.header = at;
  watch_.begin(snapshot->revision, at + 1);
  return snapshot;
}

Answer<void> EtcdStore::back_up(const std::string& path) {
  Revision at = 0;
  return read_snapshot(at).and_then(
      [&](const Snapshot& snapshot) { return services_.write_database(path, snapshot); });
}

// --- history

/// The change that has made the first revision later than `after` may have been made on an earlier
/// one, where `after` is no revision of the cloud's.
Answer<std::vector<Change>> EtcdStore::read_history(Revision after, std::size_t most) {
  pb::TxnRequest request;
  add_range(request, keys_.guard());
  add_range(request, keys_.identity());
  auto& before = add_range(request, keys_.history(), keys_.history(after));
  before.set_sort_order(pb::RangeRequest::DESCEND);
  before.set_limit(1);
  constexpr std::size_t kMost = 1'000'000;
  add_range(request, keys_.history(after), keys_.history_end())
      .set_limit(static_cast<std::int64_t>(std::min(most, kMost)));
  const auto answer = read(request);
  if (!answer) return tl::unexpected(answer.error());
  auto seen = seen_in(*answer);
  if (!seen) return tl::unexpected(seen.error());
  take(std::move(*seen));
  if (auto reach = check_seen_reach(after); !reach) return tl::unexpected(reach.error());

  std::vector<Change> changes;
  Revision first_made_on = 0;
  for (const int part : {2, 3}) {
    for (const pb::KeyValue& pair : answer->responses(part).response_range().kvs()) {
      const auto revision = static_cast<Revision>(pair.mod_revision());
      if (revision <= after || changes.size() == most) continue;
      auto change = parse_change(pair.value());
      if (!change) {
        return tl::unexpected(Failure{
            Trouble::broken,
            fmt::format("{}: the key {} is damaged", members_->place().text(), pair.key())});
      }
      if (changes.empty()) first_made_on = keys_.made_on(pair.key());
      change->revision = revision;
      changes.push_back(std::move(*change));
    }
  }
  const bool has_gap = changes.empty() ? after < seen_.head.revision : first_made_on > after;
  if (!has_gap || most == 0) return changes;
  return tl::unexpected(
      Failure{Trouble::compacted, fmt::format("{}: the history after revision {} is kept no more",
                                              members_->place().text(), after)});
}

Answer<std::vector<Change>> EtcdStore::history_after(Revision after, std::size_t most) {
  return read_history(after, most);
}

Answer<std::optional<Revision>> EtcdStore::find_change(const std::string& id, Revision after) {
  constexpr std::size_t kAll = ~std::size_t{0};
  const auto changes = read_history(after, kAll);
  // A store that was restored is before that revision, and does not have the change.
  if (!changes && changes.error().trouble == Trouble::went_back) return std::nullopt;
  if (!changes) return tl::unexpected(changes.error());
  const auto found = std::ranges::find(*changes, id, &Change::id);
  return found == changes->end() ? std::nullopt : std::optional(found->revision);
}

Answer<Status> EtcdStore::status() {
  pb::TxnRequest request;
  add_range(request, keys_.history(), keys_.history_end()).set_limit(1);
  if (auto looked = look(); !looked) return tl::unexpected(looked.error());
  const auto oldest = read(request);
  if (!oldest) return tl::unexpected(oldest.error());
  const auto& first = oldest->responses(0).response_range().kvs();
  const Revision kept_after = first.empty() ? seen_.head.revision : keys_.made_on(first[0].key());
  return Status{"etcd",
                members_->place().text(),
                seen_.head.identity,
                seen_.head.revision,
                kept_after,
                kFormat,
                true};
}

}  // namespace novaplane::store::etcd
