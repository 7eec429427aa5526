#include "dataplane/store/apply.h"

#include <utility>

#include "dataplane/cloud/changes.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::store {
namespace {

using cloud::Kind;
using Edits = std::vector<cloud::ObjectEdit>;

std::string name_of(const auto& object) { return object.name; }
std::string name_of(const cloud::FloatingIp& ip) { return ip.address.to_string(); }

/// Routers are named by ports, and follow from them.
void take_what_follows(const cloud::Network& before, cloud::Network& after) {
  after.other_routers = before.other_routers;
}
void take_what_follows(const auto&, auto&) {}

/// One section of the document.
class Section {
 public:
  Section(Edits& edits, bool prunes) : edits_(edits), prunes_(prunes) {}

  template <class Objects>
  void add(Kind kind, const Objects& before, const Objects& after) {
    if constexpr (requires(typename Objects::mapped_type object) { object.order; }) {
      for (const auto* object : cloud::in_order(after)) put(kind, before, *object);
    } else {
      for (const auto& [key, object] : after) put(kind, before, object);
    }
    if (!prunes_) return;
    for (const auto& [key, object] : before) {
      if (!after.contains(key)) edits_.push_back({{kind, name_of(object)}, std::nullopt});
    }
  }

 private:
  template <class Objects, class Object>
  void put(Kind kind, const Objects& before, Object object) {
    const auto old = before.find(key_of(object));
    if constexpr (requires { object.order; }) {
      if (!prunes_) object.order = old == before.end() ? 0 : old->second.order;
    }
    if (old != before.end()) {
      take_what_follows(old->second, object);
      if (object == old->second) return;
    }
    const std::string name = name_of(object);
    edits_.push_back({{kind, name}, std::move(object)});
  }
  static const IpAddress& key_of(const cloud::FloatingIp& ip) { return ip.address; }
  static const std::string& key_of(const auto& object) { return object.name; }

  Edits& edits_;
  bool prunes_;
};

}  // namespace

Edits edits_to(const Copy& copy, cloud::Document document, bool prunes) {
  const cloud::Cloud& before = copy.cloud();
  cloud::Cloud& after = document.cloud;
  if (prunes) cloud::compare(before, after);
  Edits edits;
  const cloud::Ranges ranges{after.no_snat, after.force_snat};
  const bool has_ranges = ranges != cloud::Ranges();
  if ((has_ranges || prunes) && ranges != cloud::Ranges{before.no_snat, before.force_snat}) {
    edits.push_back({{Kind::ranges, std::string(cloud::kRangesName)}, ranges});
  }
  Section section(edits, prunes);
  section.add(Kind::host, before.hosts, after.hosts);
  section.add(Kind::security_group, before.security_groups, after.security_groups);
  section.add(Kind::network, before.networks, after.networks);
  section.add(Kind::port, before.ports, after.ports);
  section.add(Kind::floating_ip, before.floating_ips, after.floating_ips);
  section.add(Kind::port_forward, before.port_forwards, after.port_forwards);
  section.add(Kind::pool, copy.pools(), document.pools);
  return edits;
}

}  // namespace novaplane::store
