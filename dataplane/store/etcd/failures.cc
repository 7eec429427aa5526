#include "dataplane/store/etcd/failures.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace novaplane::store::etcd {
namespace {

using grpc::StatusCode;

/// etcd's own words (server/etcdserver/api/v3rpc/rpctypes/error.go); its codes alone do not tell
/// one reason from another.
constexpr std::string_view kNoRoom = "database space exceeded";
constexpr std::string_view kBusy = "too many requests";
constexpr std::string_view kNoLeader = "etcdserver: no leader";
constexpr std::string_view kTooManyOperations = "too many operations in txn request";
constexpr std::array<std::string_view, 2> kTooLarge = {"request is too large",
                                                       "received message larger than max"};

bool says(const grpc::Status& status, std::string_view words) {
  return status.error_message().find(words) != std::string::npos;
}

bool is_too_large(const grpc::Status& status) {
  return says(status, kTooLarge[0]) || says(status, kTooLarge[1]);
}

Trouble trouble_of(const grpc::Status& status) {
  switch (status.error_code()) {
    case StatusCode::RESOURCE_EXHAUSTED:
      if (says(status, kNoRoom)) return Trouble::full;
      return is_too_large(status) ? Trouble::refused : Trouble::unavailable;
    case StatusCode::OUT_OF_RANGE:
      return says(status, "compacted") ? Trouble::compacted : Trouble::unavailable;
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED:
    case StatusCode::UNIMPLEMENTED:
    case StatusCode::FAILED_PRECONDITION:
      return Trouble::refused;
    case StatusCode::DATA_LOSS:
      return Trouble::broken;
    default:
      return Trouble::unavailable;
  }
}

/// What an operator can do about it, where etcd does not say so.
std::string_view advice_for(const grpc::Status& status) {
  if (says(status, kTooManyOperations)) {
    return ": the change has more objects than etcd takes at once (--max-txn-ops, 128 by default; "
           "4096 is recommended)";
  }
  if (is_too_large(status)) {
    return ": the change is larger than etcd takes at once (--max-request-bytes, 1.5 MiB by "
           "default)";
  }
  if (says(status, kNoRoom)) {
    return ": compact, defragment and disarm the alarm (--quota-backend-bytes, 2 GiB by default)";
  }
  return "";
}

std::string words_of(const grpc::Status& status) {
  if (status.error_code() == StatusCode::DEADLINE_EXCEEDED) return "no answer in time";
  if (status.error_message().empty()) return fmt::format("gRPC error {}", status.error_code());
  return status.error_message();
}

}  // namespace

Failure failure_of(const grpc::Status& status, const std::string& place) {
  return {trouble_of(status), fmt::format("{}: {}{}", place, words_of(status), advice_for(status))};
}

bool may_be_answered_elsewhere(const grpc::Status& status) {
  return status.error_code() == StatusCode::UNAVAILABLE ||
         status.error_code() == StatusCode::DEADLINE_EXCEEDED;
}

bool has_no_room(const grpc::Status& status) {
  return status.error_code() == StatusCode::RESOURCE_EXHAUSTED && says(status, kNoRoom);
}

bool is_certainly_not_written(const grpc::Status& status) {
  switch (status.error_code()) {
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED:
    case StatusCode::UNIMPLEMENTED:
    case StatusCode::FAILED_PRECONDITION:
      return true;
    case StatusCode::RESOURCE_EXHAUSTED:
      return says(status, kBusy) || is_too_large(status);
    case StatusCode::UNAVAILABLE:
      return status.error_message() == kNoLeader;  // told by the member asked, before it proposes
    default:
      return false;
  }
}

}  // namespace novaplane::store::etcd
