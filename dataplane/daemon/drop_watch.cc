#include "dataplane/daemon/drop_watch.h"

#include <algorithm>
#include <chrono>

#include "dataplane/daemon/log.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kEvery{10};

bool is_logged(const cloud::Cloud& cloud, const cloud::Port& port) {
  if (port.log) return true;
  return std::ranges::any_of(cloud::groups_of(cloud, port), [&](const std::string& name) {
    const auto group = cloud.security_groups.find(name);
    return group != cloud.security_groups.end() && group->second.log;
  });
}

/// Link -> port, of this host.
std::map<std::string, std::string> logged_ports(const engine::Compiler& document) {
  std::map<std::string, std::string> ports;
  const cloud::Cloud& cloud = document.cloud();
  for (const auto& [name, port] : cloud.ports) {
    if (port.host == document.host_name() && is_logged(cloud, port)) ports[port.interface] = name;
  }
  return ports;
}

}  // namespace

DropWatch::DropWatch(Loop& loop, node::Node& node, Worker& worker)
    : node_(node), worker_(worker), next_(loop, "drops") {
  look_later();
}

void DropWatch::look_later() {
  next_.after(kEvery, [this] { look(); });
}

void DropWatch::look() {
  auto ports = logged_ports(node_.engine().document());
  if (ports.empty()) {
    is_first_ = true;
    return look_later();
  }
  worker_.run(
      "read what was dropped", [] { return node::read_drops(); },
      [this, ports = std::move(ports)](Result<Counters> now) {
        if (now) tell(ports, std::move(*now));
        look_later();
      });
}

void DropWatch::tell(const std::map<std::string, std::string>& ports, Counters now) {
  for (const auto& [interface, name] : ports) {
    const auto counted = now.find(interface);
    if (is_first_ || counted == now.end()) continue;
    const std::string words = dropped_since(before_[interface], counted->second);
    if (!words.empty()) log::warning("port {}: dropped in 10 s: {}", name, words);
  }
  is_first_ = false;
  before_ = std::move(now);
}

/// Counters of a table that was written anew begin again.
std::string dropped_since(const node::Drops& before, const node::Drops& now) {
  std::string words;
  for (const auto& [refusal, packets] : now) {
    const auto known = before.find(refusal);
    const std::uint64_t old = known != before.end() ? known->second : 0;
    const std::uint64_t more = packets >= old ? packets - old : packets;
    if (more == 0) continue;
    if (!words.empty()) words += ", ";
    words += fmt::format("{} {}", more, to_string(refusal));
  }
  return words;
}

}  // namespace novaplane::daemon
