#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/engine/subsystem.h"
#include "dataplane/engine/tables.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// What the kernel does not put into a link's message and has to be asked for.
struct KernelQueries {
  std::function<int()> arp_ignore_all = [] { return 0; };  ///< net.ipv4.conf.all.arp_ignore
  std::function<int()> rp_filter_all = [] { return 0; };   ///< net.ipv4.conf.all.rp_filter
  /// Whether the host forwards at all: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding.
  std::function<bool(bool v6)> forwards = [](bool) { return false; };
  std::function<bool()> filters_bridged = [] { return false; };  ///< bridge-nf-call-ip(6)tables
  std::function<ForwardedBy(bool ipv6)> forwarding = [](bool) { return ForwardedBy::nobody; };
  /// The link's IP configuration, for people; of one that cannot be asked: nothing.
  std::function<std::vector<std::string>(int link)> ip_config = [](int) {
    return std::vector<std::string>{};
  };
  std::function<bool(int link)> has_ipv6_config = [](int) { return false; };  ///< of the host's
  // Of the run directory's records (NicRecords).
  std::function<std::vector<std::string>(const std::string& nic)> recorded =
      [](const std::string&) { return std::vector<std::string>{}; };
  std::function<std::vector<std::string>()> recorded_nics = [] {
    return std::vector<std::string>{};
  };
  std::function<std::map<std::string, std::string>()> recorded_bridges = [] {
    return std::map<std::string, std::string>{};
  };
  std::function<bool(const std::string& nic)> may_have_moved = [](const std::string&) {
    return false;
  };
};

/// Sets of nf_tables whose elements are the names of ports: what a fresh process knows them by.
struct PortSets {
  std::vector<nft::SetName> ports;           ///< all of them
  std::vector<nft::SetName> underlay_ports;  ///< among them: ports to other hosts
};

/// Knows the links of the host, and of foreign ones what the document's compilation must know.
/// Hands what the kernel tells, in listings and events alike, to the kinds, which make the seen
/// rows and know theirs by our marks. A kind may have
///
/// - `kGroups`, `questions(links)`: RTNLGRP_* that tell of it, and how to list it, given what links
///   there are; either comes as a netlink::Message;
/// - `on(told, view, tables)`: what an observation means for its rows;
/// - `refresh(link, view, tables)`: its row of a link of which the view knows something new;
/// - `refresh_wanted(view, tables)`: looks again at rows that wait, since what is wanted of them
///   says what of the seen ones counts;
/// - `on_mark(link, view, tables)`: a foreign link was attached by us, or is not any more;
/// - `forget(listing, tables)`: what that listing is about to tell anew;
/// - `type_of(link, tables)`: "bridge", where that link is a seen row of it; null: it is none;
/// - `is_named_in(sets, link, tables)`: whether a seen row names the link, and is in one of
///   those sets of nf_tables;
/// - `rests_on_ip_config(link, tables)`: whether a wanted row depends on what the host has there;
/// - `on_link_gone(name, was_ours, tables)`: rows that go with their link, untold;
/// - `kListed = false`: no listing of rtnetlink has its rows;
/// - `to_read(tables, names)`: values below /proc/sys that have to be read for its rows;
/// - `on_rewritten(family, view, tables)`: our table of that family is written anew. Events and
///   listings of nf_tables, services and sysctls come by `on(told, view, tables)`, too.
class KernelView {
 public:
  explicit KernelView(Tables& tables, KernelQueries queries = {}, PortSets sets = {})
      : tables_(tables), queries_(std::move(queries)), sets_(std::move(sets)) {}

  /// Before a listing of everything of rtnetlink: nothing is known any more.
  void forget();
  /// Before a listing of that: rows that go untold.
  void forget(netlink::Listing listing);
  void on_observation(const netlink::Observation& observation);

  template <class T>
  void tell_kinds(T& told) {
    tables_.for_each_kind([&]<class K>(std::type_identity<K>, auto&) {
      if constexpr (requires { K::on(told, *this, tables_); }) K::on(told, *this, tables_);
    });
  }

  /// The set has got that name of a link, or lost it. A port counts as attached by us while the
  /// document wants it, while our nf_tables name it, or while there is a record of what it carried:
  /// nothing is remembered that a fresh process would not find.
  void on_port_name(const nft::SetName& set, const char* name);
  bool is_attached_by_us(const std::string& name) const;
  /// A port that leads to other hosts: what its bridge carries for the host is the NIC's.
  bool is_underlay_port(const std::string& name) const;
  /// What the host has on links that concern us may be another.
  void mark_ip_config_stale() { ip_config_stale_ = true; }
  bool take_ip_config_stale() { return std::exchange(ip_config_stale_, false); }
  /// Reads anew which NICs have a record of what they carried.
  void refresh_records();
  const std::set<std::string>& recorded() const { return recorded_; }  ///< by today's name
  /// The bridges that the records name, by the record's name.
  const std::map<std::string, std::string>& recorded_bridges() const { return recorded_bridges_; }
  const std::string& record_of(const std::string& nic) const;
  const KernelQueries& queries() const { return queries_; }
  /// What the row of the link says depends on another one: is there no such link yet, kinds look at
  /// the row again once it is.
  void refresh_with(int other, const netlink::Link& link) {
    if (!this->link(other)) early_.emplace(other, link.index);
  }
  /// Whether the host forwards at all.
  bool forwards(bool v6) const { return v6 ? forwards6_ : forwards_; }
  /// What is wanted has changed: kinds look at their rows again.
  void refresh_wanted();

  /// Links that somebody else makes and the document names: facts are wanted of them, and routes
  /// of ours may stand on them.
  /// `underlay_ports`: those of them that may become ports as they are, with what they carry.
  void watch(std::vector<std::string> names, std::optional<IpAddress> tunnel_address = {},
             std::set<std::string> underlay_ports = {});
  const std::vector<std::string>& watched() const { return watched_; }
  const std::set<std::string>& watched_underlay_ports() const { return watched_underlay_ports_; }
  /// What is known of outside routers, which no kernel tells.
  void set_routers(std::map<IpAddress, RouterFacts> routers);
  const std::map<IpAddress, RouterFacts>& routers() const { return routers_; }
  /// Where guests that migrate were seen, see Facts::moved.
  void set_moved(std::map<std::string, std::string, std::less<>> moved);
  /// Gateways that keepalived has given to bridges of this host, by the bridge's number.
  const std::set<std::pair<int, Prefix>>& pair_addresses() const { return pair_addresses_; }
  Facts facts() const;
  /// What facts() says may have changed since the last call.
  bool are_facts_stale() const { return facts_stale_; }
  bool take_facts_stale() { return std::exchange(facts_stale_, false); }
  void mark_facts_stale() { facts_stale_ = true; }
  const netlink::Link* link(std::string_view name) const;
  const netlink::Link* link(int index) const;
  const std::unordered_map<int, netlink::Link>& links() const { return links_; }
  const std::string& name_of(int index) const;  ///< empty: unknown
  bool is_ours(const netlink::Link& link) const { return link.group == netlink::kOurGroup; }
  bool is_tunnel(const netlink::Link* link) const {
    return link && is_ours(*link) && link->kind == "vxlan";
  }
  /// Whether there are VXLAN devices of ours: without them no forwarding entry is ours.
  bool has_tunnels() const;
  /// Of a bridge, and no VXLAN device of ours.
  bool is_others_port(const std::string& name) const {
    return !name.empty() && !is_tunnel(link(name));
  }

  /// The kernel drops IPv4 routes silently with their link or their preferred source, and proxies
  /// with their link.
  bool take_routes_stale() { return std::exchange(routes_stale_, false); }
  /// A link changed its name: all that is known by name has to be observed again.
  bool take_names_stale() { return std::exchange(names_stale_, false); }
  /// NICs whose record has the name that they had before: by the one that they have now.
  const std::map<std::string, std::string>& renamed_records() const { return renamed_; }
  /// Links whose neighbours have to hear again what stands on them, and why, until told so.
  const std::map<std::string, std::string>& to_announce() const { return to_announce_; }
  void announced(const std::string& link) { to_announce_.erase(link); }
  /// Links that have changed in something that no event tells: they have to be asked.
  std::vector<int> take_links_to_ask();
  /// Values below /proc/sys were changed, by whomever: those that are wanted have to be read.
  bool take_sysctls_stale() { return std::exchange(sysctls_stale_, false); }
  /// Links came or went since the last call: what failed for want of one may work now.
  bool take_links_changed() { return std::exchange(links_changed_, false); }

 private:
  template <class T>
  void on(const T&) {}  // the kinds' alone
  void on(const netlink::Seen<netlink::Link>& seen);
  void on(const netlink::Gone<netlink::Link>& gone);
  void on(const netlink::Seen<netlink::Address>& seen);
  void on(const netlink::Gone<netlink::Address>& gone);
  void on(const netlink::Seen<netlink::Route>& seen);
  void on(const netlink::Gone<netlink::Route>& gone);
  void on(const netlink::Seen<netlink::Neighbour>& seen);
  void on(const netlink::Seen<netlink::BridgePort>& seen);  // kernel_view_values.cc
  void on(const netlink::Seen<netlink::Netconf>& seen);

  void note_location(const netlink::Link* before, const netlink::Link& now);
  void remember_location(const std::string& name);
  void note_ipv6_by(const netlink::Route& route, bool on);
  void refresh(const netlink::Link& link);
  void on_mark(const netlink::Link& port);
  void refresh_early_ones_of(const netlink::Link& below);
  bool is_in(const std::vector<nft::SetName>& sets, const std::string& name) const;
  /// A NIC that we made a port of a bridge of ours, whatever it is called now.
  bool is_marked_underlay_port(const netlink::Link& port) const;
  LinkFacts facts_of(const netlink::Link& nic, bool is_underlay_port) const;
  void add_renamed(Facts& facts) const;
  void find_renamed(std::set<std::string>& recorded);
  void note_change_on(const std::string& link, const IpAddress& address = {});
  bool is_bridge_of_ours(const std::string& name) const;
  bool has_ipv6_config(const netlink::Link& nic, const netlink::Link* bridge) const;
  void note_foreign(const netlink::Route& route);
  void note_address_on(const netlink::Address& address);
  void add_facts_of(const netlink::Link& link, LinkFacts& about) const;
  void link_lost(const std::string& name);
  void find_tunnel();
  std::optional<TunnelFacts> tunnel_facts() const;
  static void carry_by_nics(Facts& facts);
  bool is_watched(const std::string& name) const;
  bool carries_routes(const std::string& name) const;

  Tables& tables_;
  KernelQueries queries_;
  std::unordered_map<int, netlink::Link> links_;
  std::map<std::string, int, std::less<>> index_of_;
  PortSets sets_;
  std::set<std::string> recorded_;              ///< NICs with a record, as of the last refresh
  std::map<std::string, std::string> renamed_;  ///< of those: the record's name, by today's
  std::map<std::string, std::string> recorded_bridges_;  ///< by the NIC's name, as of then too
  std::unordered_multimap<int, int> early_;  ///< listed before their bridge or NIC, by its index
  std::vector<std::string> watched_;
  std::set<std::string> watched_underlay_ports_;
  std::map<IpAddress, RouterFacts> routers_;
  std::map<std::string, std::string, std::less<>> moved_;  ///< port -> host
  std::optional<IpAddress> tunnel_address_;
  int tunnel_link_ = 0;  ///< that has the tunnel's address; 0: none
  std::unordered_map<int, std::vector<netlink::Address>> foreign_addresses_;  ///< global scope
  std::set<std::pair<int, Prefix>> pair_addresses_;
  std::set<int> advertised_defaults_;  ///< links with a default route from a router advertisement
  bool facts_stale_ = true, routes_stale_ = false, names_stale_ = false, links_changed_ = false;
  bool forwards_ = false, forwards6_ = false;  ///< the host as a whole
  bool sysctls_stale_ = false;
  std::map<std::string, std::string> to_announce_;
  std::set<std::string> without_carrier_;  ///< they had it before
  /// Number and MAC of what is gone, or lost its carrier.
  std::map<std::string, std::pair<int, Mac>> last_locations_;
  std::set<int> links_to_ask_;
  std::map<int, bool> ipv6_told_;  ///< of links: whether they have IPv6, as their routes tell
  bool ip_config_stale_ = true;
};

}  // namespace novaplane::engine
