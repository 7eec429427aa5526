#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "dataplane/store/store.h"

/// What etcd and gRPC answer when they do not do what they were asked for.
namespace novaplane::store::etcd {

/// `place`: of whom it was asked.
Failure failure_of(const grpc::Status& status, const std::string& place);

/// Another member may answer.
bool may_be_answered_elsewhere(const grpc::Status& status);

/// The quota is used up. The very write that reaches it may be written all the same (etcd,
/// server/etcdserver/apply.go, quotaApplierV3), and none after it.
bool has_no_room(const grpc::Status& status);

/// A write that was answered so was refused before anything was written. Of all other failures
/// after a request was sent nobody knows.
bool is_certainly_not_written(const grpc::Status& status);

}  // namespace novaplane::store::etcd
