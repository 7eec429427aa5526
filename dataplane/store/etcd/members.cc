#include "dataplane/store/etcd/members.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "dataplane/base/files.h"

namespace novaplane::store::etcd {
namespace {

gpr_timespec after(std::chrono::milliseconds time) {
  return gpr_time_from_millis(time.count(), GPR_TIMESPAN);
}

/// A frozen member is noticed by 13 seconds of silence. etcd takes pings of a connection that has a
/// stream only, and not more often than every 5 s (--grpc-keepalive-min-time).
grpc::ChannelArguments arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // What is sent once is sent once, and to whom the operator has named.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetMaxReceiveMessageSize(-1);  // etcd's events have no limit
  return arguments;
}

Answer<std::string> read_optional(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = read_whole(path);
  if (!text) return tl::unexpected(Failure{Trouble::refused, text.error().message()});
  return std::move(*text);
}

}  // namespace

Answer<std::unique_ptr<Members>> Members::open(Place place) {
  std::unique_ptr<Members> members(new Members(std::move(place)));
  auto certificates = members->read_certificates();
  if (!certificates) return tl::unexpected(certificates.error());
  members->take(std::move(*certificates));
  return members;
}

Answer<grpc::SslCredentialsOptions> Members::read_certificates() const {
  grpc::SslCredentialsOptions read;
  for (const auto& [path, text] : {std::pair(&place_.cacert, &read.pem_root_certs),
                                   std::pair(&place_.cert, &read.pem_cert_chain),
                                   std::pair(&place_.key, &read.pem_private_key)}) {
    auto found = read_optional(*path);
    if (!found) return tl::unexpected(found.error());
    *text = std::move(*found);
  }
  return read;
}

void Members::take(grpc::SslCredentialsOptions certificates) {
  certificates_ = std::move(certificates);
  credentials_ = place_.is_encrypted ? grpc::SslCredentials(certificates_)
                                     : grpc::InsecureChannelCredentials();
  for (auto& channels : channels_) channels = {};
}

void Members::leave(std::size_t member) {
  if (member == current_) current_ = (current_ + 1) % count();
  auto read = read_certificates();
  const bool is_renewed = read && (read->pem_root_certs != certificates_.pem_root_certs ||
                                   read->pem_cert_chain != certificates_.pem_cert_chain ||
                                   read->pem_private_key != certificates_.pem_private_key);
  if (is_renewed) take(std::move(*read));
}

std::shared_ptr<grpc::Channel> Members::channel(Use use, std::size_t member) {
  auto& channel = channels_[member][static_cast<std::size_t>(use)];
  if (!channel) {
    channel = grpc::CreateCustomChannel(place_.members[member], credentials_, arguments());
  }
  return channel;
}

bool Members::is_connected(Use use) {
  const auto channel = this->channel(use);
  const auto end = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), after(kAnswersWithin));
  for (;;) {
    const auto state = channel->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel->WaitForStateChange(state, end)) return false;
  }
}

void Members::prepare(grpc::ClientContext& context) { context.AddMetadata("hasleader", "true"); }

void Members::prepare(grpc::ClientContext& context, std::chrono::milliseconds deadline) {
  prepare(context);
  context.set_deadline(after(deadline));
}

}  // namespace novaplane::store::etcd
