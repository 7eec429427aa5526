#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "dataplane/store/etcd/etcd_store.h"
#include "dataplane/store/etcd/requests.h"

/// What about the cluster an operator should change, as far as its API shows it. Settings that it
/// does not show (--pre-vote, --quota-backend-bytes) are in docs/many-hosts.md.
namespace novaplane::store::etcd {

namespace pb = etcdserverpb;
using Advice = std::vector<std::string>;

namespace {

constexpr std::int64_t kUsualQuota = 2LL << 30;  ///< --quota-backend-bytes
constexpr Revision kMuchHistory = 1'000'000;     ///< revisions; 300 bytes each, or more
constexpr std::string_view kOldest = "3.5", kWithoutFixes = "3.4";

/// What a member says of itself.
void add_advice(Advice& advice, const std::string& url, const pb::StatusResponse& member) {
  for (const std::string& error : member.errors()) {
    advice.push_back(fmt::format("{} reports: {}", url, error));
  }
  if (member.version().starts_with(kWithoutFixes)) {
    advice.push_back(fmt::format(
        "{} is of version {}: etcd {} gets no fixes any more, {} or newer is recommended", url,
        member.version(), kWithoutFixes, kOldest));
  }
  if (member.leader() == 0) advice.push_back(fmt::format("{} has no leader: it is cut off", url));
  if (member.dbsize() > kUsualQuota / 4 * 3) {
    advice.push_back(fmt::format(
        "{} has a database of {} MiB, {} of them in use: etcd takes no writes at its quota "
        "(--quota-backend-bytes, 2 GiB by default); compact and defragment",
        url, member.dbsize() >> 20, member.dbsizeinuse() >> 20));
  }
}

/// Each member by itself, whichever is asked for other things.
void ask_members(Advice& advice, Members& members) {
  std::set<std::uint64_t> clusters;
  for (std::size_t i = 0; i < members.count(); ++i) {
    const std::string url = members.place().url(i);
    pb::StatusResponse answer;
    grpc::ClientContext context;
    context.set_deadline(gpr_time_from_millis(kAnswersWithin.count(), GPR_TIMESPAN));
    const auto status = pb::Maintenance::NewStub(members.channel(Use::calls, i))
                            ->Status(&context, pb::StatusRequest(), &answer);
    if (!status.ok()) {
      advice.push_back(failure_of(status, url).words);
      continue;
    }
    add_advice(advice, url, answer);
    if (!clusters.insert(answer.header().cluster_id()).second || clusters.size() == 1) continue;
    advice.push_back(fmt::format("{} belongs to another cluster than those before it", url));
  }
}

void ask_for_number_of_members(Advice& advice, Members& members) {
  pb::MemberListResponse answer;
  const auto call = [&](const auto& channel, grpc::ClientContext& context) {
    return pb::Cluster::NewStub(channel)->MemberList(&context, pb::MemberListRequest(), &answer);
  };
  if (!members.ask(Use::calls, call)) return;  // which the members themselves have told
  const auto count = static_cast<std::size_t>(answer.members_size());
  if (count < 3) {
    advice.push_back(fmt::format("the cluster has {}: with three of them one may fail",
                                 count == 1 ? "one member" : "two members"));
  } else if (count % 2 == 0) {
    advice.push_back(fmt::format("the cluster has {} members: no more of them may fail than of {}",
                                 count, count - 1));
  }
  if (members.count() < count) {
    advice.push_back(fmt::format(
        "{} of {} members are named in --store: where those fail, none of the others is asked",
        members.count(), count));
  }
}

Answer<bool> was_ever_compacted(Members& members, const Keys& keys) {
  pb::RangeRequest request;
  request.set_key(keys.guard());
  request.set_revision(1);
  const auto call = [&](const auto& channel, grpc::ClientContext& context) {
    pb::RangeResponse answer;
    return pb::KV::NewStub(channel)->Range(&context, request, &answer);
  };
  const auto asked = members.ask(Use::calls, call);
  if (asked) return false;
  if (asked.error().trouble == Trouble::compacted) return true;
  return tl::unexpected(asked.error());
}

Digest digest_of(const Snapshot& snapshot) {
  Digest digest;
  for (const auto& [key, value, revision] : snapshot.records) {
    digest ^= store::digest_of(key.kind, key.name, value);
  }
  return digest;
}

}  // namespace

Answer<Advice> EtcdStore::check() {
  Revision at = 0;
  const auto snapshot = read_snapshot(at);
  if (!snapshot) return tl::unexpected(snapshot.error());
  Advice advice;
  if (digest_of(*snapshot) != snapshot->digest) {
    advice.push_back(
        fmt::format("objects below {} were changed by something else than novaplane: "
                    "hosts do not follow it; restore a back-up",
                    keys_.guard()));
  }
  ask_members(advice, *members_);
  ask_for_number_of_members(advice, *members_);
  if (!members_->place().is_encrypted) {
    advice.push_back("members are asked by http: whoever reaches them can change the cloud");
  }
  const auto operations = takes_operations(kRecommendedOperations);
  if (!operations) return tl::unexpected(operations.error());
  if (!*operations) {
    advice.push_back(fmt::format(
        "--max-txn-ops of etcd is less than {}: larger changes are refused, or made in steps",
        kRecommendedOperations));
  }
  const auto compacted = was_ever_compacted(*members_, keys_);
  if (!compacted) return tl::unexpected(compacted.error());
  if (!*compacted && at > kMuchHistory) {
    advice.push_back(
        "etcd never forgets old revisions: set --auto-compaction-mode periodic and "
        "--auto-compaction-retention 1h");
  }
  return advice;
}

}  // namespace novaplane::store::etcd
