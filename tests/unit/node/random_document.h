#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace novaplane::node {

/// A document that is edited at random, by lines: hosts, networks of every mode, ports, floating
/// IPs, port forwards, security groups, uplinks, ranges; lines come, change, move and go. Nobody
/// sees to it that it stays good.
class RandomDocument {
 public:
  explicit RandomDocument(std::mt19937& random) : random_(&random) {
    for (const auto* name : {"h1", "h2", "h3"}) hosts_.push_back({name, host(name)});
    for (const auto* name : {"blue", "green"}) networks_.push_back({name, network(name)});
    for (const auto* name : {"sg1", "sg2"}) groups_.push_back({name, group(name)});
    for (const auto* name : {"a", "b", "c"}) ports_.push_back({name, port(name)});
  }

  /// From one to four edits of lines.
  void edit() {
    for (std::size_t left = 1 + (*random_)() % 4; left > 0; --left) edit_once();
    if (!chance(8)) take_along();
  }

  std::string text() const {
    Lines hosts = hosts_;
    for (auto& [name, rest] : hosts) {
      if (!has(networks_, "lone")) continue;
      rest += fmt::format(", gateways: {{lone: 10.3.0.{}}}", name.back());
    }
    return section("hosts", hosts) + section("networks", networks_) + section("ports", ports_) +
           section("floating_ips", floating_ips_) + section("port_forwards", forwards_) +
           section("security_groups", groups_) + ranges_;
  }

 private:
  using Lines = std::vector<std::pair<std::string, std::string>>;  ///< name, rest
  static constexpr std::array kHosts{"h1", "h2", "h3"};
  static constexpr std::array kNetworks{"blue", "green", "hard", "lone", "pair", "red", "vx"};
  static constexpr std::array kPorts{"a", "b", "c", "d", "e", "f"};
  static constexpr std::array kGroups{"sg1", "sg2", "sg3", "sg4"};

  bool chance(unsigned of) { return (*random_)() % of == 0; }
  template <class All>
  std::string one_of(const All& all) {
    return all[(*random_)() % all.size()];
  }
  std::string one_of(const Lines& lines) { return lines[(*random_)() % lines.size()].first; }
  std::string maybe(const std::string& words) { return chance(3) ? words : ""; }

  static std::string section(const std::string& name, const Lines& lines) {
    if (lines.empty()) return "";
    std::string text = name + ":\n";
    for (const auto& [key, rest] : lines) text += fmt::format("  {}: {{{}}}\n", key, rest);
    return text;
  }

  std::string host(const std::string& name) {
    const char n = name.back();
    std::string uplinks = "{name: wan, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.9}";
    if (name == "h3" || chance(6))
      uplinks += ", {name: wan2, interface: eth3, gateway: 198.51.100.1}";
    return fmt::format("tunnel_address: 192.0.2.1{0}, uplinks: [{1}]{2}{3}{4}", n, uplinks,
                       maybe(", vm_interface: eth1"), maybe(", prune: true"),
                       maybe(", metadata: 127.0.0.1:8775"));
  }

  std::string network(const std::string& name) {
    const auto n = std::find(kNetworks.begin(), kNetworks.end(), name) - kNetworks.begin();
    std::string text = fmt::format("cidr: 10.{}.0.0/24", n);
    if (name == "lone") {
      text += ", gateway_mode: per-host, segment: {vxlan: 5003}";
    } else if (name == "hard") {
      text += ", gateway: 10.2.0.254, gateway_mode: hardware, host_address: 10.2.0.2" +
              maybe(", fallback: host");
    } else if (name == "pair") {
      text +=
          ", gateway: 10.4.0.1, gateway_mode: failover, gateway_hosts: [h1, h2]"
          ", segment: {vxlan: 5004}";
    } else {
      text += fmt::format(", gateway: 10.{}.0.1", n);
      text += maybe(fmt::format(", cidr6: 2001:db8:{0}::/64, gateway6: 2001:db8:{0}::1", n));
      text += maybe(", gateway_mac: 'fa:16:3e:ff:00:01'") + maybe(", routed: true");
    }
    if (name == "vx") text += ", segment: {vxlan: 5006}";
    if (name == "green") text += ", interface: " + one_of(std::array{"eth0", "eth2"});
    if (name == "hard") text += ", interface: eth4";
    if (name == "red") text += chance(2) ? ", segment: {vlan: 105}" : ", segment: {vxlan: 5005}";
    return text + maybe(", snat: false") + maybe(", uplinks: [wan2, wan]") + maybe(", mtu: 1400") +
           maybe(", dhcp: {enabled: false}") + maybe(", security_groups: " + group_list());
  }

  std::string port(const std::string& name) {
    const std::string on = one_of(networks_);
    const auto network = std::find(kNetworks.begin(), kNetworks.end(), on) - kNetworks.begin();
    return fmt::format(
        "network: {}, {}, interface: tap-{}, mac: 'fa:16:3e:00:00:0{}', address: 10.{}.0.1{}"
        "{}{}{}",
        on, place(), name, name, network, static_cast<int>(name[0]) - 'a',
        maybe(", rate: {ingress: 10mbit, egress: 5mbit}"),
        on == "hard" ? maybe(", gateway: 10.2.0.253") : "", security(name));
  }

  /// The host of a port, and the one that it migrates to.
  std::string place() {
    const std::string host = one_of(hosts_), target = one_of(hosts_);
    return "host: " + host + (host == target ? "" : maybe(", migrating_to: " + target));
  }

  std::string security(const std::string& port) {
    if (chance(8)) return ", port_security: false";
    std::string text;
    if (chance(2)) text += ", security_groups: " + group_list();
    text += maybe(", allowed_pairs: [{address: 10.9.0.0/16}, {address: 10.10.0." +
                  std::to_string(port[0]) + maybe(", mac: '00:00:5e:00:01:07'") + "}]");
    return text + maybe(", log: true");
  }

  std::string group_list() {
    std::string list;
    for (const char* name : kGroups) {
      if (chance(2) && has(groups_, name)) list += (list.empty() ? "" : ", ") + std::string(name);
    }
    return "[" + list + "]";
  }

  std::string group(const std::string&) {
    const auto rules = [&](const char* direction) {
      std::string list;
      for (unsigned left = (*random_)() % 3; left > 0; --left) {
        list += fmt::format("{}{{protocol: tcp, ports: {}{}}}", list.empty() ? "" : ", ",
                            80 + (*random_)() % 3,
                            groups_.empty() || chance(2)
                                ? maybe(fmt::format(", {}: 192.0.2.0/24", direction))
                                : fmt::format(", {}_group: {}", direction, one_of(groups_)));
      }
      return list;
    };
    return fmt::format("ingress: [{}]{}", rules("from"),
                       chance(2) ? fmt::format(", egress: [{}]", rules("to")) : "");
  }

  std::string floating_ip(const std::string&) {
    return "port: " + one_of(ports_) + maybe(chance(6) ? ", uplink: wan2" : ", uplink: any") +
           maybe(", rate: {egress: 1mbit}");
  }

  std::string forward(const std::string& name) {
    return fmt::format("address: 203.0.113.8{}, protocol: tcp, port: 808{}, to_port: {}, to: 80",
                       (*random_)() % 2, name.back(), one_of(ports_));
  }

  /// A line comes, is written anew, moves, or goes.
  template <class Write>
  void edit_line(Lines& lines, const std::string& name, Write write) {
    const auto line = std::find_if(lines.begin(), lines.end(),
                                   [&](const auto& entry) { return entry.first == name; });
    std::pair<std::string, std::string> now{name, ""};
    bool comes = true;
    if (line == lines.end() || chance(2)) {
      now.second = write(name);
    } else {
      now.second = line->second;
      comes = chance(2);
    }
    if (name == "h3") comes = true;   // the only one that always has two uplinks
    if (name == "sg1") comes = true;  // the one that others' rules name
    if (line != lines.end() && comes && !chance(4)) return void(*line = std::move(now));
    if (line != lines.end()) lines.erase(line);
    if (!comes) return;
    lines.insert(lines.begin() + static_cast<long>((*random_)() % (lines.size() + 1)), now);
  }

  static bool has(const Lines& lines, const std::string& name) {
    return std::any_of(lines.begin(), lines.end(), [&](auto& line) { return line.first == name; });
  }
  /// What follows the key in a line.
  static std::string value_of(const std::string& rest, const std::string& key) {
    const auto begin = rest.find(key + ": ") + key.size() + 2;
    return rest.substr(begin, rest.find(',', begin) - begin);
  }
  /// Rules of a group that is not there become those of another one, which always is.
  void forget_group(const std::string& name) {
    for (Lines* lines : {&ports_, &networks_, &groups_}) {
      for (auto& [key, rest] : *lines) {
        replace_all(rest, "_group: " + name, "_group: sg1");
        replace_all(rest, ", " + name + "]", "]");
        replace_all(rest, name + ", ", "");
        replace_all(rest, "[" + name + "]", "[]");
      }
    }
  }
  static void replace_all(std::string& text, const std::string& what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
      text.replace(at, what.size(), by);
    }
  }

  /// What refers to a line that is not there goes too.
  void take_along() {
    for (const char* name : kGroups) {
      if (!has(groups_, name)) forget_group(name);
    }
    std::erase_if(ports_, [&](const auto& port) {
      return !has(networks_, value_of(port.second, "network")) ||
             !has(hosts_, value_of(port.second, "host")) ||
             (port.second.find("migrating_to") != std::string::npos &&
              !has(hosts_, value_of(port.second, "migrating_to")));
    });
    std::erase_if(floating_ips_,
                  [&](const auto& ip) { return !has(ports_, value_of(ip.second, "port")); });
    std::erase_if(forwards_, [&](const auto& forward) {
      return !has(ports_, value_of(forward.second, "to_port"));
    });
  }

  void edit_once() {
    if (networks_.empty()) networks_.push_back({"blue", network("blue")});
    if (hosts_.empty()) hosts_.push_back({"h1", host("h1")});
    if (ports_.empty()) ports_.push_back({"a", port("a")});
    switch ((*random_)() % 10) {
      case 0:
        return edit_line(hosts_, one_of(kHosts), [&](auto& name) { return host(name); });
      case 1:
        return edit_line(networks_, one_of(kNetworks), [&](auto& name) { return network(name); });
      case 2:
      case 3:
        return edit_line(ports_, one_of(kPorts), [&](auto& name) { return port(name); });
      case 4:
      case 5:
        return edit_line(floating_ips_, "203.0.113." + one_of(std::array{"1", "2", "3", "4", "5"}),
                         [&](auto& name) { return floating_ip(name); });
      case 6:
        return edit_line(forwards_, one_of(std::array{"f1", "f2", "f3"}),
                         [&](auto& name) { return forward(name); });
      case 7:
      case 8:
        return edit_line(groups_, one_of(kGroups), [&](auto& name) { return group(name); });
      case 9:
        ranges_ = maybe("no_snat: [192.168.0.0/16]\n") + maybe("force_snat: [192.168.7.0/24]\n");
    }
  }

  std::mt19937* random_;  ///< copies of a document go on at random, too
  Lines hosts_, networks_, ports_, floating_ips_, forwards_, groups_;
  std::string ranges_;
};

}  // namespace novaplane::node
