#include "dataplane/daemon/migration_watch.h"

#include <sys/socket.h>

#include <chrono>

#include "dataplane/daemon/log.h"
#include "dataplane/netlink/frame_from.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kTellAgain{1};

bool has_frame(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, sizeof(byte), MSG_TRUNC) > 0;
}

}  // namespace

MigrationWatch::Awaited::Awaited(Loop& loop, int link, Mac mac, Fd fd)
    : link(link), mac(mac), socket(std::move(fd)), first_frame(loop, socket.get(), "first frame") {}

MigrationWatch::MigrationWatch(Loop& loop, node::Node& node, Listener listener)
    : loop_(loop), node_(node), listener_(std::move(listener)), again_(loop, "moves") {}

void MigrationWatch::follow() {
  const engine::Compiler& document = node_.engine().document();
  const std::set<std::string>& migrating = document.migrating();
  if (migrating.empty() && moved_.empty() && awaited_.empty() && leaving_.empty()) return;
  const auto is_over = [&](const std::string& port) { return !migrating.contains(port); };
  std::erase_if(awaited_, [&](const auto& entry) { return is_over(entry.first); });
  std::erase_if(leaving_, is_over);
  Moved moved;
  for (const std::string& name : migrating) look_at(document.cloud().ports.at(name), moved);
  set(std::move(moved));
}

void MigrationWatch::look_at(const cloud::Port& port, Moved& moved) {
  const std::string& here = node_.engine().document().host_name();
  const netlink::Link* link = node_.engine().kernel().link(port.interface);
  if (*port.migrating_to == here) {
    if (!link) {
      awaited_.erase(port.name);
    } else if (const auto seen = moved_.find(port.name);
               seen != moved_.end() && seen->second == here) {
      moved.insert(*seen);
    } else {
      await(port, *link);
    }
  } else if (port.host == here) {
    if (link) leaving_.insert(port.name);
    if (!link && leaving_.contains(port.name)) moved.emplace(port.name, *port.migrating_to);
  }
}

void MigrationWatch::await(const cloud::Port& port, const netlink::Link& link) {
  const auto known = awaited_.find(port.name);
  if (known != awaited_.end()) {
    if (known->second.link == link.index && known->second.mac == port.mac) return;
    awaited_.erase(known);
  }
  auto socket = netlink::await_frame_from(link.index, port.mac);
  if (!socket) return log::warning("port {}: {}", port.name, socket.error().message());
  Awaited& awaited =
      awaited_.try_emplace(port.name, loop_, link.index, port.mac, std::move(*socket))
          .first->second;
  awaited.first_frame.when_readable([this, name = port.name] { on_readable(name); });
}

/// An error comes with the link's end, or when it is set down.
void MigrationWatch::on_readable(const std::string& port) {
  const auto awaited = awaited_.find(port);
  if (awaited == awaited_.end()) return;
  if (!has_frame(awaited->second.socket.get())) {
    return awaited->second.first_frame.when_readable([this, port] { on_readable(port); });
  }
  loop_.post("a guest has arrived", [this, port] {
    awaited_.erase(port);
    const engine::Compiler& document = node_.engine().document();
    if (!document.migrating().contains(port)) return;
    Moved moved = moved_;
    moved.insert_or_assign(port, document.host_name());
    set(std::move(moved));
  });
}

/// The pass first: guests wait for it.
void MigrationWatch::set(Moved moved) {
  if (moved == moved_) return;
  const Moved before = std::exchange(moved_, std::move(moved));
  node_.engine().kernel().set_moved(moved_);
  listener_.on_news();
  for (const auto& [port, host] : moved_) {
    const auto known = before.find(port);
    if (known != before.end() && known->second == host) continue;
    log::info("port {}: its guest is on {} from now on", port, host);
    listener_.on_move(port, host);
  }
  tell_again();
}

void MigrationWatch::tell_again() {
  if (moved_.empty()) return again_.cancel();
  again_.after(kTellAgain, [this] {
    for (const auto& [port, host] : moved_) listener_.on_move(port, host);
    tell_again();
  });
}

}  // namespace novaplane::daemon
