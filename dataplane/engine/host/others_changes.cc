#include "dataplane/engine/host/others_changes.h"

#include <algorithm>
#include <utility>

namespace novaplane::engine {
namespace {

using netlink::IpConfig;
using Kind = IpConfig::Kind;

/// Of which no event tells that they have been added.
bool is_silent(const IpConfig& thing) {
  const bool is_proxy = thing.kind == Kind::neighbour && thing.text.starts_with("proxy");
  return is_proxy || (thing.kind == Kind::address && thing.ipv6);
}

}  // namespace

bool is_among(const std::vector<IpConfig>& things, const IpConfig& thing) {
  return std::ranges::any_of(
      things, [&](const IpConfig& c) { return c.kind == thing.kind && c.text == thing.text; });
}

void OthersChanges::process_events() {
  for (auto& [links, gone, thing] : events_.take()) {
    const bool on_new = links.contains(new_);
    const bool is_address6 = thing.kind == Kind::address && thing.ipv6;
    if (!on_new && !links.contains(old_)) continue;
    if (is_address6) {
      const auto ours = on_new ? taken6_.end() : taken6_.find(thing.text);
      if (ours != taken6_.end()) {
        taken6_.erase(ours);
        continue;
      }
      if (on_new) deleted6_lately_.insert(thing.text);
      deleted6_.insert_or_assign(thing.text, std::move(thing));
      news_ = true;
      continue;
    }
    news_ = true;
    if (gone) may_be_missing_.erase(thing.text);
    if (!gone) may_be_missing_.insert(thing.text);
    (gone ? added_ : gone_).erase(thing.text);
    (gone ? gone_ : added_).insert_or_assign(thing.text, std::move(thing));
  }
}

void OthersChanges::process_answers(const Things& things, const MoveResult& moved) {
  for (const IpConfig& thing : things) {
    moved_.insert_or_assign(thing.text, thing);
    if (is_silent(thing)) gone_.erase(thing.text);  // it has come back since an earlier move
  }
  for (const IpConfig& thing : things) {
    const bool is_missing = std::ranges::find(moved.missing, &thing) != moved.missing.end();
    if (thing.kind == Kind::address && thing.ipv6 && !is_missing) taken6_.insert(thing.text);
  }
  deleted6_lately_.clear();
  process_events();
  for (const IpConfig* thing : moved.found) may_be_missing_.insert(thing->text);
  const auto add_gone = [&](const IpConfig& thing) {
    gone_.emplace(thing.text, thing);
    news_ = true;
  };
  for (const IpConfig* thing : moved.missing) {
    // Of others an event has told, where it was not the kernel, with the last address of the link.
    if (is_silent(*thing) && !may_be_missing_.contains(thing->text)) add_gone(*thing);
  }
  // Deleted before the request that gave it its own flags, it has come back by that.
  for (const IpConfig* thing : moved.put_twice) {
    if (deleted6_lately_.contains(thing->text)) add_gone(*thing);
  }
}

bool OthersChanges::have_deleted_last(const IpConfig& thing) const {
  return have_deleted(thing) && !is_silent(thing);
}

OthersChanges::Things OthersChanges::take_added() {
  Things things;
  for (auto& [text, thing] : std::exchange(added_, {})) things.push_back(std::move(thing));
  news_ |= !things.empty();
  return things;
}

OthersChanges::Things OthersChanges::take_unwanted(const Things& there) {
  Things unwanted;
  for (const IpConfig& thing : there) {
    if (have_deleted(thing) && moved_.contains(thing.text)) unwanted.push_back(thing);
  }
  // Once: nobody tells when others add it again.
  for (const IpConfig& thing : unwanted) {
    if (is_silent(thing)) gone_.erase(thing.text);
  }
  Things known;
  for (const auto* things : {&moved_, &gone_, &deleted6_})
    for (const auto& [text, thing] : *things) known.push_back(thing);
  for (auto moved = moved_.begin(); moved != moved_.end();) {
    IpConfig route = (moved++)->second;
    if (!route.by_kernel || netlink::has_address_of(route, there)) continue;
    // Somebody has made it in the kernel's name.
    if (!netlink::has_address_of(route, known)) continue;
    route.is_first = false;  // it replaces nobody's when it is put again
    moved_.erase(route.text);
    orphans_.insert_or_assign(route.text, route);
    unwanted.push_back(route);
  }
  news_ |= !unwanted.empty();
  return unwanted;
}

OthersChanges::Things OthersChanges::take_missing_routes(const Things& there) {
  Things missing;
  std::erase_if(orphans_, [&](const auto& orphan) {
    const IpConfig& route = orphan.second;
    const bool is_back = netlink::has_address_of(route, there);
    if (is_back && !is_among(there, route)) missing.push_back(route);
    if (is_back) moved_.insert_or_assign(route.text, route);
    return is_back;
  });
  return missing;
}

}  // namespace novaplane::engine
