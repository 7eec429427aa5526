#include <fmt/format.h>

#include <charconv>
#include <set>

#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "dataplane/store/etcd/etcd_store.h"
#include "dataplane/store/etcd/requests.h"

/// What hosts say of themselves: nobody watches it.
namespace novaplane::store::etcd {

namespace pb = etcdserverpb;

namespace {

constexpr std::string_view kBegin = R"({"at":)", kMiddle = R"(,"status":)", kEnd = "}";

std::string text_of(const HostStatus& status) {
  return fmt::format("{}{}{}{}{}", kBegin, status.at, kMiddle, status.value, kEnd);
}

/// As text_of has written it: what a host has said is passed on letter by letter.
HostStatus status_of(std::string host, std::string_view text) {
  HostStatus status{std::move(host), "null"};
  const auto middle = text.find(kMiddle);
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) || middle == std::string_view::npos) {
    return status;
  }
  std::from_chars(text.data() + kBegin.size(), text.data() + middle, status.at);
  text.remove_suffix(kEnd.size());
  status.value = text.substr(middle + kMiddle.size());
  return status;
}

}  // namespace

Answer<void> EtcdStore::put_status(const HostStatus& status) {
  pb::PutRequest request;
  request.set_key(keys_.statuses() + status.host);
  request.set_value(text_of(status));
  const auto call = [&](const auto& channel, grpc::ClientContext& context) {
    pb::PutResponse answer;
    return pb::KV::NewStub(channel)->Put(&context, request, &answer);
  };
  return members_->ask(Use::calls, call);
}

Answer<std::vector<HostStatus>> EtcdStore::statuses() {
  pb::TxnRequest request;
  add_range(request, keys_.statuses(), keys_.statuses_end());
  add_range(request, keys_.living(), keys_.living_end()).set_keys_only(true);
  const auto answer = read(request);
  if (!answer) return tl::unexpected(answer.error());
  std::set<std::string> living;
  for (const pb::KeyValue& pair : answer->responses(1).response_range().kvs()) {
    living.insert(pair.key().substr(keys_.living().size()));
  }
  std::vector<HostStatus> statuses;
  for (const pb::KeyValue& pair : answer->responses(0).response_range().kvs()) {
    statuses.push_back(status_of(pair.key().substr(keys_.statuses().size()), pair.value()));
    statuses.back().alive = living.contains(statuses.back().host);
  }
  return statuses;
}

Answer<void> EtcdStore::keep_alive(const std::string& host) { return life_sign_.give(host); }

}  // namespace novaplane::store::etcd
