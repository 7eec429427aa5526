#include "dhcp/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dhcp/dnsmasq_text.h"

namespace novaplane::dhcp {
namespace {

constexpr std::string_view kNoRouter = "no-router";  // the tag of ports with `default_route: false`

// RFC 2132, RFC 3442.
constexpr std::uint8_t kRouter = 3, kDnsServer = 6, kMtu = 26, kClasslessRoutes = 121;

/// Of ports with a router of their own.
std::string tag_of_router(const IpAddress& router) { return fmt::format("via-{}", router); }

/// By its name or by its number.
Result<cloud::DhcpOption> option_of(std::string_view name) {
  cloud::Event key;
  key.text = name;
  const auto option = cloud::dhcp_option(key);
  return option ? Result<cloud::DhcpOption>(*option) : failure("", option.error().sentence);
}

/// The document may replace an option that we would set.
bool is_set_by(const cloud::Dhcp& dhcp, std::uint8_t code) {
  return std::any_of(dhcp.options.begin(), dhcp.options.end(), [&](const auto& entry) {
    const auto option = option_of(entry.first);
    return option && option->code == code;
  });
}

std::uint32_t addresses_in(const Prefix& range) { return 1u << std::min(31, 32 - range.length); }

Prefix netmask_of(const Prefix& range) {
  const std::uint32_t mask = range.length == 0 ? 0 : ~std::uint32_t{0} << (32 - range.length);
  return {IpAddress::v4(mask), range.length};
}

class Text {
 public:
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// `interface` alone would take port 53 of every address of the bridge, also of the host's own;
/// `listen-address` alone would not bind the DHCP socket to the device, and many dnsmasq could not
/// live side by side. A device that is excepted counts only with the addresses that are listed.
void bind(Text& text, const Served& served) {
  text.line("interface={}", served.network.bridge);
  text.line("except-interface={}", served.network.bridge);
  text.line("except-interface=lo");
  text.line("listen-address={}", served.host_address);
  if (served.host_address6) text.line("listen-address={}", *served.host_address6);
  text.line("bind-interfaces");
}

void serve_names(Text& text, const Served& served) {
  const cloud::Dhcp& dhcp = served.network.dhcp;
  text.line("no-hosts");
  text.line("domain-needed");
  if (!dhcp.domain.empty()) {
    text.line("domain={}", dhcp.domain);
    text.line("local=/{}/", dhcp.domain);
  }
  text.line("rev-server={}", served.network.cidr);
  if (served.host_address6) text.line("rev-server={}", *served.network.cidr6);
  text.line("cache-size=1000");
  // Questions that name servers have not answered yet. dnsmasq's 150 are one guest's; each takes
  // 300 bytes for 10 s at most.
  text.line("dns-forward-max=10000");
  // Without name servers of its own a network asks those of the host (/etc/resolv.conf).
  if (!dhcp.dns.empty()) text.line("no-resolv");
  for (const IpAddress& server : dhcp.dns) text.line("server={}", server);
}

void serve_leases(Text& text, const Served& served) {
  const Prefix& range = served.network.cidr;
  text.line("dhcp-range={},static,{},{}", range.network(), netmask_of(range).address,
            served.network.dhcp.lease_seconds);
  text.line("dhcp-lease-max={}", addresses_in(range));
  text.line("dhcp-authoritative");
  text.line("dhcp-ignore-names");  // a guest is called what the document calls it
  text.line("leasefile-ro");
  text.line("no-ping");
  text.line("log-async");  // a stuck syslog must not stop DHCP
}

/// The routes as people read them; as octets where dnsmasq would take the rest of a long line for
/// another one (src/option.c reads 1,024 characters at once).
std::string routes_text(std::vector<cloud::DhcpRoute> routes,
                        const std::optional<IpAddress>& router) {
  constexpr std::size_t kLongest = 900;
  if (router) routes.push_back({Prefix{IpAddress::v4(0), 0}, *router});
  std::string words, octets;
  for (const cloud::DhcpRoute& route : routes) {
    words += fmt::format(",{},{}", route.destination, route.via);
    octets += cloud::route_octets(route.destination, route.via);
  }
  return words.size() <= kLongest ? words : ',' + colon_hex(octets);
}

/// RFC 3442: a client that takes this option ignores the router option, so it repeats the router.
void classless_routes(Text& text, const Served& served) {
  const cloud::Dhcp& dhcp = served.network.dhcp;
  if (dhcp.routes.empty() || is_set_by(dhcp, kClasslessRoutes)) return;
  const auto with = [&](const std::optional<IpAddress>& router) {
    return routes_text(dhcp.routes, router);
  };
  text.line("dhcp-option=option:classless-static-route{}", with(served.router));
  text.line("dhcp-option=tag:{},option:classless-static-route{}", kNoRouter, with({}));
  for (const IpAddress& router : served.network.other_routers) {
    text.line("dhcp-option=tag:{},option:classless-static-route{}", tag_of_router(router),
              with(router));
  }
}

/// A name that only another version of dnsmasq may know is left to it.
Result<std::string> option_text(const std::string& name, const std::string& value) {
  const auto option = option_of(name);
  const auto sent = option ? cloud::dhcp_value(*option, value)
                           : cloud::DhcpValue{cloud::DhcpValue::Form::text, {value}};
  if (!sent) return failure("", sent.error().sentence);
  const bool is_number =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
  const std::string words = to_text(*sent);
  return fmt::format("{}{}{}{}", is_number ? "" : "option:", name, words.empty() ? "" : ",", words);
}

void options(Text& text, const Served& served) {
  const cloud::Dhcp& dhcp = served.network.dhcp;
  // An empty router option keeps dnsmasq from naming itself.
  if (!is_set_by(dhcp, kRouter)) {
    text.line("dhcp-option=option:router{}{}", served.router ? "," : "",
              served.router ? served.router->to_string() : "");
  }
  text.line("dhcp-option=tag:{},option:router", kNoRouter);
  for (const IpAddress& router : served.network.other_routers) {
    text.line("dhcp-option=tag:{},option:router,{}", tag_of_router(router), router);
  }
  if (!is_set_by(dhcp, kDnsServer)) {
    text.line("dhcp-option=option:dns-server,{}", served.host_address);
  }
  // Told to clients that do not ask, too: a guest with a wrong MTU loses its large packets.
  if (!is_set_by(dhcp, kMtu)) text.line("dhcp-option-force=option:mtu,{}", served.mtu);
  classless_routes(text, served);
  for (const auto& [name, value] : dhcp.options) {
    text.line("dhcp-option={}", *option_text(name, value));
  }
}

tl::unexpected<Error> refused(const cloud::Network& network, std::string words) {
  return failure("serve DHCP on network " + network.name, std::move(words));
}

Result<void> check(const cloud::Network& network) {
  if (!is_plain(network.bridge)) {
    return refused(network,
                   fmt::format("dnsmasq cannot be bound to a link named '{}'", network.bridge));
  }
  if (!network.dhcp.domain.empty() && !is_plain(network.dhcp.domain)) {
    return refused(network, fmt::format("'{}' is no domain", network.dhcp.domain));
  }
  for (const auto& [name, value] : network.dhcp.options) {
    if (!is_plain(name)) return refused(network, fmt::format("'{}' is no DHCP option", name));
    if (const auto text = option_text(name, value); !text) {
      return refused(network, fmt::format("option {}: {}", name, text.error().words));
    }
  }
  return {};
}

Result<void> check(const cloud::Port& port) {
  for (const std::string& name : {port.name, port.hostname}) {  // both stand in hosts files
    if (!is_plain(name)) {
      return failure("serve DHCP to port " + port.name, fmt::format("'{}' is no name", name));
    }
  }
  return {};
}

/// With its domain: alone, `ignore`, `infinite`, `101` and `5m` would be read as a keyword or a
/// lease time (dnsmasq(8), --dhcp-host). dnsmasq takes the domain off again.
std::string full_name(const cloud::Port& port, const cloud::Dhcp& dhcp) {
  return dhcp.domain.empty() ? port.hostname : fmt::format("{}.{}", port.hostname, dhcp.domain);
}

/// A machine makes an address of its own only from 64 bits (RFC 4862, 5.5.3; RFC 2464, 4): in a
/// smaller range it has to ask.
std::string_view modes_of(const Prefix& range) {
  constexpr std::uint8_t kSlaac = 64;
  return range.length == kSlaac ? "static,slaac" : "static";
}

void advertise(Text& text, const Served& served) {
  constexpr int kInterval = 600, kLifetime = 1800;  // seconds, RFC 4861, 6.2.1
  text.line("enable-ra");
  text.line("ra-param={},mtu:{},{},{}", served.network.bridge, served.mtu, kInterval, kLifetime);
}

void serve_leases6(Text& text, const Served& served) {
  constexpr int kMostLeases = 1 << 20;
  const Prefix& range = *served.network.cidr6;
  const cloud::Dhcp& dhcp = served.network.dhcp;
  text.line("dhcp-range={},{},{},{}", range.network(), modes_of(range), range.length,
            dhcp.lease_seconds);
  text.line("dhcp-option=option6:dns-server,[{}]", *served.host_address6);
  if (!dhcp.domain.empty()) {
    text.line("domain={}", dhcp.domain);
    text.line("dhcp-option=option6:domain-search,{}", dhcp.domain);
  }
  text.line("dhcp-lease-max={}", kMostLeases);
  text.line("dhcp-authoritative");
  text.line("dhcp-ignore-names");
  text.line("leasefile-ro");
  text.line("log-async");
}

}  // namespace

Result<std::string> config6_text(const Served& served) {
  if (auto checked = check(served.network); !checked) return tl::unexpected(checked.error());
  Text text;
  text.line("# IPv6 of network {}. Written by novaplane, and written again when it is changed.",
            served.network.name);
  text.line("port=0");  // names are the other one's
  text.line("interface={}", served.network.bridge);
  text.line("except-interface=lo");
  text.line("bind-interfaces");
  advertise(text, served);
  serve_leases6(text, served);
  return text.take();
}

Result<std::string> config_text(const Served& served) {
  if (auto checked = check(served.network); !checked) return tl::unexpected(checked.error());
  Text text;
  text.line("# Network {}. Written by novaplane, and written again when it is changed.",
            served.network.name);
  bind(text, served);
  serve_names(text, served);
  serve_leases(text, served);
  options(text, served);
  return text.take();
}

Result<std::string> host_line(const cloud::Port& port, const cloud::Dhcp& dhcp) {
  if (auto checked = check(port); !checked) return tl::unexpected(checked.error());
  std::string tag;
  if (!port.default_route) {
    tag = fmt::format("set:{},", kNoRouter);
  } else if (port.gateway) {
    tag = fmt::format("set:{},", tag_of_router(*port.gateway));
  }
  return fmt::format("{},{}{},{}", port.mac, tag, port.address, full_name(port, dhcp));
}

Result<std::string> host6_line(const cloud::Port& port, const cloud::Dhcp& dhcp) {
  if (auto checked = check(port); !checked) return tl::unexpected(checked.error());
  return fmt::format("{},[{}],{}", port.mac, *port.address6, full_name(port, dhcp));
}

Result<std::string> name_line(const cloud::Port& port, const IpAddress& address,
                              const cloud::Dhcp& dhcp) {
  if (auto checked = check(port); !checked) return tl::unexpected(checked.error());
  if (dhcp.domain.empty()) return fmt::format("{} {}", address, port.hostname);
  return fmt::format("{} {} {}", address, full_name(port, dhcp), port.hostname);
}

}  // namespace novaplane::dhcp
