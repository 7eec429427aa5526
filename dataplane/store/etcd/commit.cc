#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/store/change_json.h"
#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "dataplane/store/etcd/etcd_store.h"
#include "dataplane/store/etcd/requests.h"

/// Writing: one transaction for each change.
namespace novaplane::store::etcd {

namespace pb = etcdserverpb;

namespace {

/// An election and a slow disk; a second more for each megabyte.
std::chrono::milliseconds deadline_of(const pb::TxnRequest& request) {
  return std::chrono::milliseconds(2000 + request.ByteSizeLong() / 1000);
}

/// Who has done what: the history keeps it after etcd has forgotten the revisions before.
constexpr std::int64_t kHistory = 10'000;
constexpr unsigned kForgetsEach = 256;  ///< commits

/// What etcd takes at once, unless it is told otherwise: --max-txn-ops; --max-request-bytes is 1.5
/// MiB, of which names and numbers around keys and values take a part.
constexpr int kUsualOperations = 128;
constexpr std::size_t kBytes = 1'100'000;
constexpr std::size_t kOperationsOfOurOwn = 2;  ///< the guard, the history

}  // namespace

/// Of a transaction with too many operations not one is done; neither are those of the branch that
/// is not taken. So it can be tried.
Answer<bool> EtcdStore::takes_operations(int count) {
  pb::TxnRequest request;
  require_revision(request, keys_.guard(), -1);
  for (int i = 0; i < count; ++i) add_range(request, keys_.identity());
  const auto answer = read(request);
  if (answer) return true;
  if (answer.error().trouble == Trouble::refused) return false;
  return tl::unexpected(answer.error());
}

/// Once a member answers; until then the usual ones are believed.
void EtcdStore::find_limits() {
  if (has_found_limits_) return;
  limits_ = {kUsualOperations - kOperationsOfOurOwn, kBytes};
  const auto takes = takes_operations(kRecommendedOperations);
  if (!takes) return;
  has_found_limits_ = true;
  if (*takes) limits_.writes = kRecommendedOperations - kOperationsOfOurOwn;
}

/// Nothing but the very state that the change was validated on, in the very cloud, will do. Else
/// the answer tells where the cloud is, as a look does.
pb::TxnRequest EtcdStore::transaction_of(const Commit& commit) const {
  pb::TxnRequest request;
  require_revision(request, keys_.guard(), static_cast<std::int64_t>(commit.expected));
  require_value(request, keys_.identity(), seen_.id);
  for (const auto& [key, value] : commit.change.writes) {
    if (value) {
      add_put(request, keys_.object(key), *value);
    } else {
      add_removal(request, keys_.object(key));
    }
  }
  Change told = commit.change;
  told.writes = names_only(std::move(told.writes));
  add_put(request, keys_.history(commit.expected), to_json(told));
  told.writes.clear();
  add_put(request, keys_.guard(), to_json(told));
  for (const std::string& key : {keys_.guard(), keys_.identity()}) {
    request.add_failure()->mutable_request_range()->set_key(key);
  }
  return request;
}

CommitAnswer EtcdStore::commit(const Commit& commit) {
  if (seen_.id.empty()) {
    if (auto looked = look(); !looked) return looked.error();
  }
  const pb::TxnRequest request = transaction_of(commit);
  Failure failure{Trouble::unavailable, members_->place().text() + ": no member can be reached"};
  for (std::size_t tries = 0; tries < members_->count(); ++tries) {
    const std::size_t member = members_->current();
    if (!members_->is_connected(Use::calls)) {
      members_->leave(member);
      continue;
    }
    grpc::ClientContext context;
    Members::prepare(context, deadline_of(request));
    pb::TxnResponse answer;
    const auto status =
        pb::KV::NewStub(members_->channel(Use::calls))->Txn(&context, request, &answer);
    if (status.ok()) return answer_of(answer, commit);
    failure = failure_of(status, members_->place().url(member));
    if (may_be_answered_elsewhere(status)) members_->leave(member);
    if (has_no_room(status)) return resolve_full(commit, std::move(failure));
    if (!is_certainly_not_written(status)) return Unclear{failure.words};
    if (!may_be_answered_elsewhere(status)) return failure;
  }
  return failure;
}

CommitAnswer EtcdStore::answer_of(const pb::TxnResponse& answer, const Commit& commit) {
  if (!answer.succeeded()) {
    looked_at_ = {};
    if (auto seen = seen_in(answer)) take(std::move(*seen));
    return LostRace();
  }
  const auto revision = static_cast<Revision>(answer.header().revision());
  seen_.head.revision = seen_.header = revision;
  seen_.head.change = commit.change.id;
  if (++commits_ % kForgetsEach == 0) forget_history();
  return Committed{revision};
}

/// Whether the write was the one that has used up the quota. No other write is on its way by now.
CommitAnswer EtcdStore::resolve_full(const Commit& commit, Failure failure) {
  const auto found = find_change(commit.change.id, commit.expected);
  if (!found) return Unclear{failure.words};
  if (*found) return Committed{**found};
  return failure;
}

/// What cannot be forgotten now is so later.
void EtcdStore::forget_history() {
  pb::TxnRequest count;
  add_range(count, keys_.history(), keys_.history_end()).set_count_only(true);
  const auto counted = read(count);
  if (!counted) return;
  const std::int64_t surplus = counted->responses(0).response_range().count() - kHistory;
  if (surplus <= 0) return;
  pb::TxnRequest oldest;
  auto& range = add_range(oldest, keys_.history(), keys_.history_end());
  range.set_keys_only(true);
  range.set_limit(surplus);
  const auto listed = read(oldest);
  if (!listed || listed->responses(0).response_range().kvs().empty()) return;
  const std::string last = listed->responses(0).response_range().kvs().rbegin()->key();
  pb::TxnRequest forget;
  auto& removal = *forget.add_success()->mutable_request_delete_range();
  removal.set_key(keys_.history());
  removal.set_range_end(last + '\0');
  [[maybe_unused]] const auto forgotten = read(forget);
}

}  // namespace novaplane::store::etcd
