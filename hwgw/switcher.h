#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/engine/ways_out.h"
#include "dataplane/netlink/socket.h"

namespace novaplane::hwgw {

/// What of the document and the facts a switch depends on, by value.
struct Course {
  cloud::Host host;
  engine::Facts facts;  ///< of uplinks' links
  /// Routing tables of orders of uplinks: which of the host's, by place.
  std::map<std::uint32_t, std::vector<std::size_t>> orders;
  bool operator==(const Course&) const = default;
};
/// By routing table: what is in use now of each order. They point into the course.
std::map<std::uint32_t, engine::Uplinks> in_use(const Course& course);

/// `host` has to be in the document. Empty orders: it does not switch.
Course course_of(const cloud::Cloud& cloud, const cloud::Host& host, const engine::Facts& facts);

/// Puts the default route of each order's table to the uplinks that are in use, at once: one
/// request for each table, and nothing else. What it writes is what compile() wants of the same
/// facts. For one thread.
class Switcher {
 public:
  static Result<Switcher> open();

  struct Turn {
    std::uint32_t table = 0;
    std::string from, to;  ///< uplinks; several: "wan, wan2"
    Result<void> done;
  };
  void know(Course course);
  /// Those tables that change.
  std::vector<Turn> turn(const std::map<std::string, engine::UplinkVerdict, std::less<>>& verdicts);

 private:
  explicit Switcher(netlink::Socket socket) : socket_(std::move(socket)) {}
  Result<void> replace(std::uint32_t table, const engine::Route& route);

  netlink::Socket socket_;
  Course course_;
};

}  // namespace novaplane::hwgw
