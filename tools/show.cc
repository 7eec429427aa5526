#include "dataplane/node/show.h"
#include "dataplane/base/printable.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "dataplane/cli/nearest.h"
#include "dataplane/node/gateway_rows.h"
#include "dataplane/node/show_json.h"
#include "dataplane/node/trial.h"
#include "tools/command.h"
#include "tools/control.h"
#include "tools/session.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/uplink_table.h"

namespace novaplane::tools {
namespace {

using node::Show;

template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "";
}
template <class List>
std::string list_of(const List& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string dhcp_of(const node::NetworkRow& row) {
  if (!row.serves_dhcp) return "off";
  if (!row.dnsmasq) return "not running";
  return fmt::format("dnsmasq {}{}", *row.dnsmasq, row.refused.empty() ? "" : ", behind");
}

Table networks(const Show& show) {
  Table table({"NETWORK", "BRIDGE", "SEGMENT", "ADDRESS", "MTU", "PORTS", "WIRE", "STATE", "DHCP"});
  for (const node::NetworkRow& row : show.networks) {
    table.add({row.name, row.bridge, row.segment, list_of(row.addresses), std::to_string(row.mtu),
               std::to_string(row.ports), row.underlay_port, row.state, dhcp_of(row)});
  }
  return table;
}

Table ports(const Show& show) {
  Table table(
      {"PORT", "INTERFACE", "NETWORK", "BRIDGE", "MAC", "ADDRESS", "STATE", "FLOATING IPS"});
  for (const node::PortRow& row : show.ports) {
    table.add({row.name, row.interface, row.network, row.bridge, text_of(row.mac),
               text_of(row.address), row.state, list_of(row.floating_ips)});
  }
  return table;
}

Table floating_ips(const Show& show) {
  Table table({"FLOATING IP", "ADDRESS", "PORT", "UPLINK", "INTERFACE", "ANSWERED BY"});
  for (const node::FloatingIpRow& row : show.floating_ips) {
    table.add({row.address.to_string(), row.fixed.to_string(), row.port, row.uplink, row.interface,
               row.answered.empty() ? "nobody" : row.answered});
  }
  return table;
}

Table port_forwards(const Show& show) {
  Table table({"PORT FORWARD", "ADDRESS", "PORTS", "TO", "TO PORTS", "PORT"});
  for (const node::PortForwardRow& row : show.port_forwards) {
    const char* protocol = row.protocol == IPPROTO_TCP ? "tcp" : "udp";
    table.add({row.name, row.address.to_string(),
               fmt::format("{} {}", protocol, row.ports.to_string()), row.fixed.to_string(),
               row.to.to_string(), row.port});
  }
  return table;
}

Table uplinks(const Show& show) {
  const bool is_watched = std::ranges::any_of(
      show.uplinks, [](const node::UplinkRow& row) { return row.health.has_value(); });
  return is_watched ? watched_uplinks(show.uplinks) : plain_uplinks(show.uplinks);
}

/// Whole seconds: what changed a moment ago is "0 s".
std::string since(const node::GatewayRow& row) {
  if (!row.is_watched || (row.figures.switches == 0 && !row.is_shared)) return "";
  const auto ago = std::chrono::system_clock::now() - row.figures.since;
  return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(ago).count());
}

Table gateways(const Show& show) {
  Table table({"NETWORK", "ROUTER", "MAC", "STATE", "FOR", "LOSS", "RTT", "SWITCHES", "REASON"});
  for (const node::GatewayRow& row : show.gateways) {
    const bool w = row.is_watched, probed = w && !row.is_shared;
    table.add({row.network, row.router.to_string(), text_of(row.mac),
               row.state + (row.is_proxied ? ", proxied here" : ""), since(row),
               probed ? fmt::format("{} %", row.figures.loss) : "",
               probed ? fmt::format("{} us", row.figures.rtt.count()) : "",
               w ? std::to_string(row.figures.switches) : "not watched", row.figures.reason});
  }
  return table;
}

/// A line for each reason, so that it stays as wide as a terminal.
Table security(const Show& show) {
  Table table(
      {"PORT", "INTERFACE", "PORT SECURITY", "SECURITY GROUPS", "EGRESS", "DROPPED", "WHY"});
  for (const node::SecurityRow& row : show.security) {
    const std::string egress =
        row.groups.empty() ? "" : std::string(row.limits_egress ? "limited" : "all");
    std::vector<std::string> cells{row.port, row.interface, row.port_security ? "on" : "off",
                                   list_of(row.groups), egress};
    if (row.drops.empty()) {
      cells.insert(cells.end(), {"0", ""});
      table.add(cells);
    }
    for (const auto& [refusal, packets] : row.drops) {
      cells.resize(5);
      cells.push_back(std::to_string(packets));
      cells.emplace_back(to_string(refusal));
      table.add(cells);
      cells = {row.port, row.interface, "", "", ""};
    }
  }
  return table;
}

struct View {
  std::string_view name, none;
  Table (*table)(const Show&);
};
constexpr std::array<View, 7> kViews{{
    {"networks", "no networks of novaplane on this host", networks},
    {"ports", "no ports of novaplane on this host", ports},
    {"floating-ips", "no floating IPs on this host", floating_ips},
    {"port-forwards", "no port forwards on this host", port_forwards},
    {"uplinks", "no uplinks on this host", uplinks},
    {"gateways", "no gateways of its networks that are not simply its own", gateways},
    {"security", "no ports of novaplane on this host", security},
}};

std::string text_of(const Table& table) { return table.text(on(Colour::bold), off(Colour::bold)); }

/// All tables that have rows, and the warnings.
void print_all(const Show& show) {
  std::string text;
  for (const View& view : kViews) {
    const Table table = view.table(show);
    if (!table.empty()) text += (text.empty() ? "" : "\n") + text_of(table);
  }
  if (text.empty()) text = "nothing of novaplane on this host\n";
  if (!show.warnings.empty()) text += "\n" + paint(Colour::bold, "WARNINGS") + "\n";
  for (const std::string& warning : show.warnings) text += printable(warning) + "\n";
  print(text);
}

void print_one(const View& view, const Show& show) {
  const Table table = view.table(show);
  if (table.empty()) {
    complain(view.none);
  } else {
    print(text_of(table));
  }
  for (const std::string& warning : show.warnings) complain("warning: " + warning);
}

/// Only a daemon watches routers; of what it knows, what was seen here stands.
void ask_how_they_fare(Show& show, const Options& options) {
  const auto answer = ask_daemon(Endpoint(options), "GET", "/show");
  if (!answer) return;
  const auto watched = node::gateways_from_json(*answer);
  for (node::GatewayRow& row : show.gateways) {
    const auto found = std::ranges::find(watched, row.router, &node::GatewayRow::router);
    if (found != watched.end()) row = *found;
  }
}

/// What a daemon sees: that of another host, or ours for whom may not look for himself.
Result<Show> ask_to_look(const Options& options) {
  const auto answer = ask_daemon(Endpoint(options), "GET", "/show");
  if (answer) return node::show_from_json(*answer);
  // Who may ask nobody is told what looking takes.
  const auto root = require_root(options);
  const bool is_alone = options.server.empty() && !root;
  return tl::unexpected(is_alone ? root.error() : answer.error());
}

Result<Show> look(const Options& options) {
  if (!options.server.empty() || !may_administer_networks()) return ask_to_look(options);
  auto session = Session::open(options);
  if (!session) return tl::unexpected(session.error());
  if (auto seen = session->observe(); !seen) return tl::unexpected(seen.error());
  Show show = node::show(session->engine(), options.run_dir);
  if (!show.gateways.empty()) ask_how_they_fare(show, options);
  if (const auto told = ask_daemon(Endpoint(options), "GET", "/uplinks")) {
    node::add_health(show, node::uplinks_from_json(*told));
  }
  if (auto sentence = node::trial_sentence(); !sentence.empty()) {
    show.warnings.insert(show.warnings.begin(), std::move(sentence));
  }
  return show;
}

const View* find(const std::string& name) {
  const auto it = std::find_if(kViews.begin(), kViews.end(),
                               [&](const View& view) { return view.name == name; });
  return it != kViews.end() ? &*it : nullptr;
}

int unknown(const std::string& name) {
  std::vector<std::string> names;
  for (const View& view : kViews) names.emplace_back(view.name);
  complain(fmt::format("show knows {}, not '{}'{}", list_of(names), name,
                       cli::did_you_mean(name, names)));
  return kUsage;
}

}  // namespace

int show(const Options& options) {
  const View* view = options.arguments.empty() ? nullptr : find(options.arguments.front());
  if (!options.arguments.empty() && !view) return unknown(options.arguments.front());
  const auto show = look(options);
  if (!show) {
    complain(show.error().message());
    return kFailed;
  }
  if (options.json) {
    print(node::to_json(*show, view ? view->name : ""));
  } else if (view) {
    print_one(*view, *show);
  } else {
    print_all(*show);
  }
  return kDone;
}

}  // namespace novaplane::tools
