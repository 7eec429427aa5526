#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/netlink/ip_config_events.h"

namespace novaplane::engine {

bool is_among(const std::vector<netlink::IpConfig>& things, const netlink::IpConfig& thing);

/// What others change about a NIC's IP configuration while it moves from one link to another, on
/// either of both. The kernel tells of it in the order in which it happens: the last word about a
/// thing is what has to be so in the end. It tells of no IPv6 address that is added, not who
/// deletes one, and of no proxy: what is known of those is what it answers to our own requests.
class OthersChanges {
 public:
  using Things = std::vector<netlink::IpConfig>;

  OthersChanges(netlink::IpConfigEvents events, const netlink::Ends& ends)
      : events_(std::move(events)), old_(ends.from), new_(ends.to) {}

  /// Whatever has happened since the last call.
  void process_events();
  /// The same after a move, and what the kernel has answered to that.
  void process_answers(const Things& things, const MoveResult& moved);
  /// Whether anything has happened since the last call. What a listing shows that was taken after
  /// that call is in what the events after the listing tell.
  bool take_news() { return std::exchange(news_, false); }
  bool has_news() const { return news_; }

  /// The old link need not have it: that is not somebody's deletion.
  void expect_missing(const netlink::IpConfig& thing) { may_be_missing_.insert(thing.text); }

  bool have_deleted(const netlink::IpConfig& thing) const { return gone_.contains(thing.text); }
  /// The same of a thing that is listed nevertheless: whether that is older than the deletion.
  bool have_deleted_last(const netlink::IpConfig& thing) const;
  /// What they have added since the last call, wherever. That and the next one are news: what is
  /// done then is looked at once more.
  Things take_added();
  /// What has to go from the new link, which has `there`: what they have deleted, and the kernel's
  /// own routes that came with us after their addresses had gone.
  Things take_unwanted(const Things& there);
  /// Routes of the kernel that have gone so, and whose address has come back just then.
  Things take_missing_routes(const Things& there);

 private:
  using ByText = std::map<std::string, netlink::IpConfig>;

  netlink::IpConfigEvents events_;
  int old_, new_;
  bool news_ = false;
  std::set<std::string> may_be_missing_;
  std::multiset<std::string> taken6_;      ///< IPv6 addresses by us, of which no event has told yet
  std::set<std::string> deleted6_lately_;  ///< on the new link, since the latest move
  ByText moved_;                           ///< by us
  ByText added_, gone_;                    ///< by others
  ByText deleted6_;                        ///< IPv6 addresses since the latest move
  ByText orphans_;  ///< the kernel's routes that we have taken from the new link
};

}  // namespace novaplane::engine
