#include "dataplane/store/etcd/watch_stream.h"

#include "dataplane/store/etcd/members.h"

namespace novaplane::store::etcd {

WatchStream::WatchStream(const std::shared_ptr<grpc::Channel>& channel,
                         const etcdserverpb::WatchCreateRequest& range,
                         grpc::CompletionQueue& queue) {
  *request_.mutable_create_request() = range;
  Members::prepare(context_);
  stream_ = etcdserverpb::Watch::NewStub(channel)->AsyncWatch(&context_, &queue, this);
}

void WatchStream::read() {
  is_idle_ = false;
  stream_->Read(&message_, this);
}

void WatchStream::cancel() {
  context_.TryCancel();
  if (is_idle_) read();  // which tells that it is cancelled
}

/// One operation is on its way at any time, so that the step says what has been done.
bool WatchStream::on_completion(bool ok) {
  if (step_ == Step::finishing) {
    step_ = Step::ended;
    return false;
  }
  if (!ok) {
    step_ = Step::finishing;
    stream_->Finish(&status_, this);
    return false;
  }
  if (step_ == Step::starting) {
    step_ = Step::asking;
    stream_->Write(request_, this);
    return false;
  }
  if (step_ == Step::reading) return is_idle_ = true;
  step_ = Step::reading;
  read();
  return false;
}

}  // namespace novaplane::store::etcd
