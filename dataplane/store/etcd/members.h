#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/store/etcd/failures.h"
#include "dataplane/store/etcd/place.h"

namespace novaplane::store::etcd {

/// What a connection is for. Each has its own: a long list delays nobody's events.
enum class Use : std::uint8_t { calls, lists, watch };

/// Each attempt at a member ends after this. An election takes one to two seconds.
constexpr std::chrono::milliseconds kAnswersWithin{1000};

/// The members of the cluster. One of them is asked, the first one to begin with; where it does not
/// answer, the next one.
class Members {
 public:
  /// Fails where files of the place cannot be read.
  static Answer<std::unique_ptr<Members>> open(Place place);

  const Place& place() const { return place_; }
  std::size_t count() const { return place_.members.size(); }
  std::size_t current() const { return current_; }
  std::string url() const { return place_.url(current_); }
  /// The member has failed: if it is the current one, the next one is from now on. Certificates
  /// that were renewed meanwhile are those of the next connections.
  void leave(std::size_t member);

  /// Connects when it is needed.
  std::shared_ptr<grpc::Channel> channel(Use use) { return channel(use, current_); }
  std::shared_ptr<grpc::Channel> channel(Use use, std::size_t member);
  /// Whether the current member can be reached; waits for it, for kAnswersWithin at most.
  bool is_connected(Use use);

  /// A request goes to a member that has no leader for nothing: it has to say so at once.
  static void prepare(grpc::ClientContext& context);
  static void prepare(grpc::ClientContext& context, std::chrono::milliseconds deadline);

  /// Calls `call(channel, context)` for the current member, then for each of the others as long as
  /// there is no answer. For what may be asked twice.
  template <class Call>
  Answer<void> ask(Use use, Call&& call, std::chrono::milliseconds deadline = kAnswersWithin) {
    grpc::Status status;
    for (std::size_t tries = 0; tries < count(); ++tries) {
      const std::size_t member = current_;
      grpc::ClientContext context;
      prepare(context, deadline);
      status = call(channel(use, member), context);
      if (status.ok()) return {};
      if (!may_be_answered_elsewhere(status)) break;
      leave(member);
    }
    return tl::unexpected(
        failure_of(status, may_be_answered_elsewhere(status) ? place_.text() : url()));
  }

 private:
  explicit Members(Place place) : place_(std::move(place)), channels_(place_.members.size()) {}
  Answer<grpc::SslCredentialsOptions> read_certificates() const;
  void take(grpc::SslCredentialsOptions certificates);

  Place place_;
  grpc::SslCredentialsOptions certificates_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::vector<std::array<std::shared_ptr<grpc::Channel>, 3>> channels_;
  std::size_t current_ = 0;
};

}  // namespace novaplane::store::etcd
