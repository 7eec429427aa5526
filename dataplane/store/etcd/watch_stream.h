#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <cstdint>
#include <memory>

#include "dataplane/store/etcd/etcd.grpc.pb.h"

namespace novaplane::store::etcd {

/// One request to watch a range of keys: its messages come through a completion queue, with this
/// object as their tag.
class WatchStream {
 public:
  WatchStream(const std::shared_ptr<grpc::Channel>& channel,
              const etcdserverpb::WatchCreateRequest& range, grpc::CompletionQueue& queue);
  WatchStream(const WatchStream&) = delete;

  /// What the queue has said about this tag. True: message() is a new one; then read() is due.
  bool on_completion(bool ok);
  const etcdserverpb::WatchResponse& message() const { return message_; }
  void read();

  /// Ends it, from here; the queue has to be asked until has_ended().
  void cancel();
  bool has_ended() const { return step_ == Step::ended; }
  const grpc::Status& status() const { return status_; }  ///< why, once it has ended

 private:
  enum class Step : std::uint8_t { starting, asking, reading, finishing, ended };

  Step step_ = Step::starting;
  bool is_idle_ = false;  ///< read() is due
  grpc::ClientContext context_;
  etcdserverpb::WatchRequest request_;
  etcdserverpb::WatchResponse message_;
  grpc::Status status_;
  std::unique_ptr<
      grpc::ClientAsyncReaderWriter<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse>>
      stream_;
};

}  // namespace novaplane::store::etcd
