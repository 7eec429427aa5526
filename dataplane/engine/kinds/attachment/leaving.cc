#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/engine/apply.h"
#include "dataplane/engine/batch.h"
#include "dataplane/engine/host/ip_config_move.h"

/// Ports leave our bridges, and get back what they had.
namespace novaplane::engine {
namespace {

/// A NIC that carried the host does not leave its bridge without what has come up there since the
/// plan was made.
Result<void> leave_empty_handed(ApplyContext& pass, const AttachmentChange& change) {
  const auto nics = pass.nic_records.nics();
  if (!change.before || std::ranges::find(nics, change.key) == nics.end()) return {};
  const std::string& bridge = change.before->master;
  const auto link = pass.index_of(bridge);
  const std::string words = link ? ip_config_in_words(pass.netlink, *link, bridge) : "";
  return words.empty() ? Result<void>() : failure("", kPlanAgain, words);
}

/// Down a link keeps its IPv4 addresses, and nothing else.
bool loses_when_down(netlink::Socket& socket, int link) {
  const auto things = netlink::ip_config_of(socket, link, false);
  return !things || std::ranges::any_of(*things, [](const netlink::IpConfig& c) {
    const bool stays = c.kind == netlink::IpConfig::Kind::address && !c.ipv6;
    return !stays && !c.by_kernel;
  });
}

tl::unexpected<Error> not_given_back(const std::string& subject, Error error) {
  error.step = fmt::format("put back {}", subject);
  return tl::unexpected(std::move(error));
}

void give_back_ipv6(ApplyContext& pass, const std::string& port) {
  const auto things = pass.port_records.read(port);
  const auto link = pass.netlink.index_of(port);
  if (link) try_all(pass.netlink, netlink::puts(things, {*link, *link, port, port}));
  AttachmentKind::forget_record(pass, port);
}

/// Once it has left: until then its walls go by the group. Groups of ours have no other meaning, so
/// that none stays where nothing is recorded.
Result<void> give_back_group(ApplyContext& pass, const AttachmentChange& change) {
  if (!change.before || !netlink::is_underlay_group(change.before->group.value_or(0))) return {};
  const std::string subject = "group:" + change.key;
  const auto value = pass.originals.find(subject);
  netlink::LinkSettings settings;
  settings.group = value ? Originals::number(value->found).value_or(0) : 0;
  const auto given = pass.netlink.send(netlink::set_link(change.key, settings));
  if (given || given.error().code == ENODEV) pass.originals.forget(subject);
  return given || given.error().code == ENODEV ? Result<void>() : given;
}

/// A link that leaves us gets back what it had. What it cannot get now stays recorded, for `down`.
Result<void> give_back_all(ApplyContext& pass, const AttachmentChange& change) {
  const std::string& link = change.key;
  Result<void> first = give_back_group(pass, change);
  for (const char* what : {"up", "mtu", "ipv6"}) {
    const std::string subject = fmt::format("{}:{}", what, link);
    const auto value = pass.originals.find(subject);
    if (!value) continue;
    const auto given = AttachmentKind::give_back(pass, what, link, *value);
    if (given) pass.originals.forget(subject);
    if (!given && first) first = given;
  }
  return first;
}

}  // namespace

netlink::LinkSettings AttachmentKind::leaving() {
  netlink::LinkSettings settings;
  settings.master = 0;
  return settings;
}

void AttachmentKind::begin(ApplyContext& pass) { pass.states.attachments.still_attached.clear(); }

void AttachmentKind::detach_all(ApplyContext& pass, const Work& work) {
  const std::unordered_set<std::string> moved = NicMigrationKind::migrate_all(pass, work);
  Batch batch;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (!change || moved.contains(change->key)) continue;
    const auto port = pass.index_of(change->key);
    // A link that is gone has left.
    if (!port && port.error().code != ENODEV) work.results[i] = tl::unexpected(port.error());
    if (!port) continue;
    work.results[i] = leave_empty_handed(pass, *change);
    if (work.results[i]) batch.add(i, netlink::set_link(*port, leaving()));
  }
  batch.send(pass.netlink, work.results, {ENODEV});
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<AttachmentChange>(&work.steps[i].operation);
    if (change && !work.results[i]) pass.states.attachments.still_attached.insert(change->key);
    if (change && work.results[i]) work.results[i] = give_back_all(pass, *change);
  }
  pass.keep_or_tell();
}

/// Only where ours still stands: what somebody else has set since is theirs. What was of a link
/// that is gone has gone with it.
Result<void> AttachmentKind::give_back(ApplyContext& pass, std::string_view what,
                                       const std::string& name, const Originals::Value& value) {
  const std::string subject = fmt::format("{}:{}", what, name);
  const auto link =
      pass.netlink.index_of(name).and_then([&](int i) { return pass.netlink.link(i); });
  if (!link && link.error().code == ENODEV) return {};
  if (!link) return not_given_back(subject, link.error());
  netlink::LinkSettings settings;
  if (what == "ipv6") {
    const bool ours = value.ours == std::to_string(static_cast<int>(link->ipv6));
    const auto given = ours ? set_ipv6(name, value.found == "1") : Result<void>();
    if (given) give_back_ipv6(pass, name);
    return given;
  }
  if (what == "mtu" && value.ours == std::to_string(link->mtu)) {
    settings.mtu = Originals::number(value.found);
    if (!settings.mtu) return not_given_back(subject, {"", EINVAL, "found: " + value.found});
  } else if (what == "group" && value.ours == std::to_string(link->group)) {
    settings.group = Originals::number(value.found).value_or(0);
  } else if (what == "up" && link->up && value.found == "0") {
    // Down it would lose what somebody has given it meanwhile.
    if (loses_when_down(pass.netlink, link->index)) return {};
    settings.up = false;
  } else {
    return {};
  }
  const auto sent = pass.netlink.send(netlink::set_link(link->index, settings));
  return sent || sent.error().code == ENODEV ? Result<void>()
                                             : not_given_back(subject, sent.error());
}

void AttachmentKind::forget_record(ApplyContext& pass, const std::string& port) {
  const auto removed = pass.port_records.remove(port);
  if (!removed) pass.unrecorded.push_back(removed.error().message());
}

/// Ports were given back everything at a time at which that could not be noted.
void AttachmentKind::forget_old_records(ApplyContext& pass, std::vector<Error>& failed) {
  for (const std::string& port : pass.port_records.nics()) {
    if (pass.originals.find("ipv6:" + port)) continue;
    if (auto removed = pass.port_records.remove(port); !removed) failed.push_back(removed.error());
  }
}

}  // namespace novaplane::engine
