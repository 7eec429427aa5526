#include "dataplane/store/etcd/etcd_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "dataplane/store/change_json.h"
#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "dataplane/store/etcd/requests.h"

/// Where the cloud is, and what has changed; the other calls are in the files beside.
namespace novaplane::store::etcd {

namespace pb = etcdserverpb;

namespace {

/// What a watch tells is believed for so long without asking a majority.
constexpr std::chrono::seconds kBelieved{2};

std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

EtcdStore::EtcdStore(std::unique_ptr<Members> members, const ModuleServices& services)
    : members_(std::move(members)),
      keys_(members_->place().prefix),
      services_(services),
      watch_(*members_, keys_),
      life_sign_(*members_, keys_) {}

// --- where the cloud is

/// A transaction that only reads is answered with a majority's word.
Answer<pb::TxnResponse> EtcdStore::read(const pb::TxnRequest& request) {
  pb::TxnResponse answer;
  const auto call = [&](const auto& channel, grpc::ClientContext& context) {
    return pb::KV::NewStub(channel)->Txn(&context, request, &answer);
  };
  if (auto asked = members_->ask(Use::calls, call); !asked) return tl::unexpected(asked.error());
  return answer;
}

/// Of an answer whose first two parts are the guard and the identity.
Answer<EtcdStore::Seen> EtcdStore::seen_in(const pb::TxnResponse& answer) const {
  const auto broken = [&](const std::string& words) {
    return tl::unexpected(
        Failure{Trouble::broken, fmt::format("{}: {}", members_->place().text(), words)});
  };
  if (answer.responses_size() < 2) return broken("the answer is none of etcd's");
  const auto& guards = answer.responses(0).response_range().kvs();
  const auto& ids = answer.responses(1).response_range().kvs();
  Seen seen;
  seen.header = static_cast<Revision>(answer.header().revision());
  seen.cluster = answer.header().cluster_id();
  if (!ids.empty()) seen.id = ids[0].value();
  seen.head.identity = fmt::format("{:016x}-{}", seen.cluster, seen.id);
  if (guards.empty()) return seen;
  if (ids.empty()) return broken(fmt::format("there is a cloud, but no key {}", keys_.identity()));
  seen.guard = parse_change(guards[0].value());
  if (!seen.guard) return broken(fmt::format("the key {} is damaged", keys_.guard()));
  seen.head.revision = static_cast<Revision>(guards[0].mod_revision());
  seen.head.change = seen.guard->id;
  return seen;
}

Answer<EtcdStore::Seen> EtcdStore::read_guard() {
  pb::TxnRequest request;
  add_range(request, keys_.guard());
  add_range(request, keys_.identity());
  return read(request).and_then([&](const pb::TxnResponse& answer) { return seen_in(answer); });
}

/// Where there is nothing yet. Two that do so at once make one.
Answer<void> EtcdStore::make_identity() {
  pb::TxnRequest request;
  require_revision(request, keys_.guard(), 0);
  require_revision(request, keys_.identity(), 0);
  add_put(request, keys_.identity(), new_id());
  return read(request).map([](const pb::TxnResponse&) {});
}

Answer<void> EtcdStore::look() {
  looked_at_ = {};
  auto seen = read_guard();
  if (seen && seen->id.empty()) {
    if (auto made = make_identity(); !made) return made;
    seen = read_guard();
  }
  if (!seen) return tl::unexpected(seen.error());
  find_limits();
  take(std::move(*seen));
  watch_.retry_now();
  return {};
}

void EtcdStore::take(Seen seen) {
  const bool is_other = seen.head.identity != seen_.head.identity;
  if (is_other || seen.head.revision < watch_.log().newest()) watch_.stop();
  seen_ = std::move(seen);
  looked_at_ = Clock::now();
  if (watch_.has_begun() && watch_.log().newest() == seen_.head.revision) {
    watch_.skip_to(seen_.header);
  }
}

void EtcdStore::take_news() {
  const Change* last = watch_.log().last();
  if (!watch_.has_begun() || last == nullptr || last->revision <= seen_.head.revision) return;
  seen_.head.revision = last->revision;
  seen_.head.change = last->id;
  seen_.header = std::max(seen_.header, last->revision);
}

bool EtcdStore::is_fresh() const {
  return watch_.is_live() && Clock::now() < looked_at_ + kBelieved;
}

Answer<Head> EtcdStore::head() {
  watch_.pump(Clock::now());
  take_news();
  if (!is_fresh()) {
    if (auto looked = look(); !looked) return tl::unexpected(looked.error());
  }
  return seen_.head;
}

// --- what has changed

Answer<void> EtcdStore::check_reach(Revision after) {
  if (!is_fresh() || after > seen_.head.revision) {
    if (auto looked = look(); !looked) return looked;
  }
  return check_seen_reach(after);
}

Answer<void> EtcdStore::check_seen_reach(Revision after) const {
  if (after <= seen_.head.revision) return {};
  return tl::unexpected(Failure{
      Trouble::went_back, fmt::format("{}: is at revision {}, before {}", members_->place().text(),
                                      seen_.head.revision, after)});
}

Answer<std::vector<Change>> EtcdStore::changes_after(Revision after, std::size_t most) {
  watch_.pump(Clock::now());
  take_news();
  if (auto reach = check_reach(after); !reach) return tl::unexpected(reach.error());
  if (after == seen_.head.revision) return std::vector<Change>();
  if (!watch_.has_begun()) watch_.begin(after, after + 1);
  if (after < watch_.log().begins_after()) return read_past(after, most);
  constexpr std::size_t kAll = ~std::size_t{0};
  if (auto caught_up = watch_.catch_up(seen_.head.revision, kAll); !caught_up) {
    looked_at_ = {};
    return tl::unexpected(caught_up.error());
  }
  take_news();
  auto changes = watch_.log().after(after, most);
  watch_.log().trim(changes.empty() ? after : changes.back().revision);
  return changes;
}

/// What came before the watch has begun, for those who want to know.
Answer<std::vector<Change>> EtcdStore::read_past(Revision after, std::size_t most) {
  Watch past(*members_, keys_);
  past.begin(after, after + 1);
  return past.catch_up(seen_.head.revision, most).map([&] {
    return past.log().after(after, most);
  });
}

Answer<void> EtcdStore::wait(Revision after, Clock::time_point until) {
  constexpr std::chrono::seconds kRetry{1};
  if (seen_.head.identity.empty()) {
    if (auto looked = look(); !looked) {
      watch_.pump(std::min(until, Clock::now() + kRetry), Watch::At::event_or_interrupt);
      return looked;
    }
  }
  if (!watch_.has_begun()) watch_.begin(seen_.head.revision, seen_.header + 1);
  auto told = Watch::Told::changes;
  while (seen_.head.revision == after && told == Watch::Told::changes) {
    told = watch_.pump(until, Watch::At::event_or_interrupt);
    take_news();
  }
  if (told == Watch::Told::broken) looked_at_ = {};
  return {};
}

}  // namespace novaplane::store::etcd
