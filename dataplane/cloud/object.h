#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/cloud/cloud.h"

/// One object of the cloud by itself: what a store keeps, what the API reads and writes.
namespace novaplane::cloud {

/// In the order in which a valid cloud can be built: what comes later refers to what came before.
/// (Networks name hosts and groups too: those edits go together.)
enum class Kind : std::uint8_t {
  ranges,  ///< no_snat and force_snat: one object, called kRangesName
  host,
  security_group,
  network,
  port,
  floating_ip,
  port_forward,
  pool,
};

/// As the document calls the section: "hosts", "floating_ips"; "ranges" for Kind::ranges.
std::string_view section_of(Kind);
std::optional<Kind> kind_of(std::string_view section);

/// What the document says beside its sections.
struct Ranges {
  std::vector<Prefix> no_snat, force_snat;
  bool operator==(const Ranges&) const = default;
};
constexpr std::string_view kRangesName = "snat";

/// Addresses to choose from, for what is created without one.
struct Pool {
  std::string name;
  std::vector<Prefix> ranges = {};
  std::vector<Prefix> reserved = {};  ///< never given out
  std::string network = {};           ///< of fixed addresses; empty: of floating IPs
  std::string uplink = {};            ///< that its floating IPs get; empty: none is set
  bool operator==(const Pool&) const = default;
};
using Pools = std::map<std::string, Pool, std::less<>>;

/// In the order of Kind.
using AnyObject =
    std::variant<Ranges, Host, SecurityGroup, Network, Port, FloatingIp, PortForward, Pool>;

/// A floating IP's name is its address as IpAddress prints it.
struct ObjectName {
  Kind kind = Kind::host;
  std::string name;
  auto operator<=>(const ObjectName&) const = default;
};
std::string to_string(const ObjectName&);  ///< "ports/web1"
ObjectName name_of(const AnyObject&);

/// The object as it will be; none: it is removed.
struct ObjectEdit {
  ObjectName name;
  std::optional<AnyObject> object;
};

/// A copy of the object. Ranges are always there; pools are not the cloud's.
std::optional<AnyObject> find_object(const Cloud&, const ObjectName&);

}  // namespace novaplane::cloud
