#include "dataplane/store/etcd/life_sign.h"

#include "dataplane/store/etcd/etcd.grpc.pb.h"

namespace novaplane::store::etcd {

namespace pb = etcdserverpb;

/// A lease that etcd knows no more is replaced at once: leases end by mistake, too.
Answer<void> LifeSign::give(const std::string& host) {
  if (lease_ != 0 && host == host_) {
    const auto kept = keep();
    if (!kept) return tl::unexpected(kept.error());
    if (*kept) return {};
  }
  return begin(host);
}

/// False: etcd does not know the lease.
Answer<bool> LifeSign::keep() {
  pb::LeaseKeepAliveResponse answer;
  const auto call = [&](const auto& channel, grpc::ClientContext& context) {
    const auto stream = pb::Lease::NewStub(channel)->LeaseKeepAlive(&context);
    pb::LeaseKeepAliveRequest request;
    request.set_id(lease_);
    answer.Clear();
    if (stream->Write(request) && stream->WritesDone()) stream->Read(&answer);
    return stream->Finish();
  };
  if (auto asked = members_.ask(Use::calls, call); !asked) return tl::unexpected(asked.error());
  return answer.ttl() > 0;
}

Answer<void> LifeSign::begin(const std::string& host) {
  lease_ = 0;
  pb::LeaseGrantResponse granted;
  const auto grant = [&](const auto& channel, grpc::ClientContext& context) {
    pb::LeaseGrantRequest request;
    request.set_ttl(kAliveFor.count());
    return pb::Lease::NewStub(channel)->LeaseGrant(&context, request, &granted);
  };
  if (auto asked = members_.ask(Use::calls, grant); !asked) return asked;
  const auto put = [&](const auto& channel, grpc::ClientContext& context) {
    pb::PutRequest request;
    request.set_key(keys_.living() + host);
    request.set_lease(granted.id());
    pb::PutResponse answer;
    return pb::KV::NewStub(channel)->Put(&context, request, &answer);
  };
  if (auto asked = members_.ask(Use::calls, put); !asked) return asked;
  lease_ = granted.id();
  host_ = host;
  return {};
}

}  // namespace novaplane::store::etcd
