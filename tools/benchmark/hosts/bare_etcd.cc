#include "tools/benchmark/hosts/bare_etcd.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <limits>
#include <stdexcept>

#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "tools/benchmark/samples.h"

namespace novaplane::bench {
namespace {

using namespace etcdserverpb;

constexpr auto kKey = "/bench/key";

std::shared_ptr<grpc::Channel> channel_to(const std::string& member) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(member, grpc::InsecureChannelCredentials(), arguments);
}

void must(const grpc::Status& status) {
  if (!status.ok()) throw std::runtime_error("etcd: " + status.error_message());
}

}  // namespace

struct BareEtcd::Calls {
  explicit Calls(const std::string& writes_at, const std::string& watches_at)
      : kv(KV::NewStub(channel_to(writes_at))), watch(Watch::NewStub(channel_to(watches_at))) {
    stream = watch->Watch(&context);
    WatchRequest request;
    request.mutable_create_request()->set_key(kKey);
    stream->Write(request);
    WatchResponse created;
    if (!stream->Read(&created)) throw std::runtime_error("etcd: no watch");
  }
  ~Calls() {
    context.TryCancel();
    stream->Finish();
  }

  std::unique_ptr<KV::Stub> kv;
  std::unique_ptr<Watch::Stub> watch;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<WatchRequest, WatchResponse>> stream;
};

BareEtcd::BareEtcd(const std::string& writes_at, const std::string& watches_at)
    : calls_(std::make_unique<Calls>(writes_at, watches_at)) {}
BareEtcd::~BareEtcd() = default;

std::chrono::duration<double, std::micro> BareEtcd::put_to_event(const std::string& value) {
  return time_of([&] {
    grpc::ClientContext context;
    PutRequest request;
    request.set_key(kKey);
    request.set_value(value);
    PutResponse answer;
    must(calls_->kv->Put(&context, request, &answer));
    WatchResponse told;
    do {
      if (!calls_->stream->Read(&told)) throw std::runtime_error("etcd: the watch has ended");
    } while (told.events_size() == 0);
  });
}

std::size_t BareEtcd::read_all(const std::string& prefix) {
  constexpr std::int64_t kPage = 10'000;
  std::size_t found = 0;
  std::string from = prefix;
  for (bool more = true; more;) {
    grpc::ClientContext context;
    RangeRequest request;
    request.set_key(from);
    request.set_range_end(prefix + '\xff');
    request.set_limit(kPage);
    RangeResponse page;
    must(calls_->kv->Range(&context, request, &page));
    found += static_cast<std::size_t>(page.kvs_size());
    more = page.more();
    if (more) from = page.kvs(page.kvs_size() - 1).key() + '\0';
  }
  return found;
}

void BareEtcd::put_many(std::size_t keys, std::size_t together, const std::string& value) {
  for (std::size_t i = 0; i < keys;) {
    TxnRequest transaction;
    for (std::size_t end = std::min(keys, i + together); i < end; ++i) {
      auto* put = transaction.add_success()->mutable_request_put();
      put->set_key(fmt::format("/bench/many/{}", i));
      put->set_value(value);
    }
    grpc::ClientContext context;
    TxnResponse answer;
    must(calls_->kv->Txn(&context, transaction, &answer));
  }
}

}  // namespace novaplane::bench
