#include "tests/netns/world/dhcp_client.h"

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "tests/netns/world/eventually.h"
#include "tests/netns/world/namespace.h"

namespace novaplane::netns {
namespace fs = std::filesystem;
namespace {

/// Configures the interface as the server said and leaves its environment behind. udhcpc gives the
/// reason as an argument, the others in the environment; dhcpcd has done addresses and routes by
/// itself.
constexpr const char* kScript = R"(#!/bin/sh
case "${{reason:-$1}}" in
  bound | renew | BOUND | RENEW | REBIND | REBOOT) ;;
  *) exit 0 ;;
esac
mtu=${{mtu:-$new_interface_mtu}}
[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
if [ -z "$if_configured" ]; then
  ip address replace "${{ip:-$new_ip_address}}/${{subnet:-$new_subnet_mask}}" dev "$interface"
  router=${{router:-$new_routers}}
  [ -z "$router" ] || ip route replace default via "$router"
  set -- $staticroutes
  while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev "$interface"; else ip route replace "$1" via "$2"; fi
    shift 2
  done
fi
env > {0}.new
mv {0}.new {0}
)";

constexpr const char* kDhclientConfig = R"(option rfc3442 code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name,
  interface-mtu, rfc3442;
timeout 20;
initial-interval 1;
)";

constexpr const char* kDhcpcdConfig =
    "option subnet_mask, routers, domain_name_servers, domain_name, host_name, interface_mtu, "
    "classless_static_routes\nnoipv4ll\n";

struct Files {
  std::string folder;
  std::string environment() const { return folder + "/lease"; }
  std::string script() const { return folder + "/script"; }
  std::string config() const { return folder + "/config"; }
  std::string pid() const { return folder + "/pid"; }
  std::string leases() const { return folder + "/leases"; }
};

Files prepare(const std::string& folder) {
  Files files{folder};
  fs::create_directories(folder);
  fs::remove(files.environment());
  write_file(files.script(), fmt::format(kScript, files.environment()));
  chmod(files.script().c_str(), 0755);
  write_file(files.leases(), "");
  return files;
}

Command udhcpc(const Files& files) {
  return {.argv = {"busybox", "udhcpc", "-f", "-n", "-q", "-t", "12", "-T", "1", "-i", "eth0", "-s",
                   files.script(), "-O", "mtu", "-O", "staticroutes"}};
}

Command dhclient(const Files& files) {
  write_file(files.config(), kDhclientConfig);
  return {.argv = {"dhclient", "-4", "-1", "-sf", files.script(), "-lf", files.leases(), "-pf",
                   files.pid(), "-cf", files.config(), "eth0"}};
}

Command dhcpcd(const Files& files) {
  write_file(files.config(), kDhcpcdConfig);
  fs::create_directories("/run/dhcpcd");
  return {.argv = {"dhcpcd", "-4", "-B", "-1", "-A", "-t", "20", "-f", files.config(), "-c",
                   files.script(), "eth0"},
          .private_directories = {"/run/dhcpcd", "/var/lib/dhcpcd"}};
}

/// "12 172 16 10 0 0 9" (RFC 3442 as dhclient shows it) as "172.16.0.0/12 10.0.0.9".
std::string spelled_out(const std::string& octets) {
  std::istringstream text(octets);
  std::string routes;
  for (int length; text >> length;) {
    int part[8] = {};
    for (int i = 0; i < (length + 7) / 8; ++i) text >> part[i];
    for (int i = 4; i < 8; ++i) text >> part[i];
    routes += fmt::format("{}{}.{}.{}.{}/{} {}.{}.{}.{}", routes.empty() ? "" : " ", part[0],
                          part[1], part[2], part[3], length, part[4], part[5], part[6], part[7]);
  }
  return routes;
}

Lease read_lease(const Files& files) {
  Lease lease;
  for (const auto& line : lines_of(read_file(files.environment())))
    if (const auto at = line.find('='); at != std::string::npos)
      lease.all[line.substr(0, at)] = line.substr(at + 1);
  const auto value = [&](const char* busybox, const char* others) {
    return lease.all.contains(busybox)  ? lease.all[busybox]
           : lease.all.contains(others) ? lease.all[others]
                                        : "";
  };
  lease.address = value("ip", "new_ip_address");
  lease.mask = value("subnet", "new_subnet_mask");
  lease.server = value("serverid", "new_dhcp_server_identifier");
  lease.router = value("router", "new_routers");
  lease.mtu = value("mtu", "new_interface_mtu");
  lease.hostname = value("hostname", "new_host_name");
  lease.domain = value("domain", "new_domain_name");
  lease.seconds = value("lease", "new_dhcp_lease_time");
  lease.dns = words_of(value("dns", "new_domain_name_servers"));
  lease.classless_routes = value("staticroutes", "new_classless_static_routes");
  if (lease.all.contains("new_rfc3442"))
    lease.classless_routes = spelled_out(lease.all["new_rfc3442"]);
  return lease;
}

}  // namespace

std::string to_string(Client client) {
  switch (client) {
    case Client::udhcpc:
      return "udhcpc";
    case Client::dhclient:
      return "dhclient";
    case Client::dhcpcd:
      return "dhcpcd";
  }
  return {};
}

std::optional<Lease> dhcp(const Namespace& where, Client client, const std::string& folder,
                          const std::vector<std::string>& extra_arguments) {
  const Files files = prepare(folder);
  Command command = client == Client::udhcpc     ? udhcpc(files)
                    : client == Client::dhclient ? dhclient(files)
                                                 : dhcpcd(files);
  command.argv.insert(command.argv.end(), extra_arguments.begin(), extra_arguments.end());
  command.namespace_fd = where.fd();
  command.deadline = kHangs;
  run(command);
  if (!fs::exists(files.environment())) return std::nullopt;
  return read_lease(files);
}

namespace {

/// dhcpcd does addresses by itself; dhclient has its script do it.
constexpr const char* kScript6 = R"(#!/bin/sh
case "$reason" in BOUND6 | RENEW6 | REBIND6) ;; *) exit 0 ;; esac
if [ -z "$if_configured" ]; then
  ip -6 address replace "$new_ip6_address/128" dev "$interface"
fi
env > {0}.new
mv {0}.new {0}
)";

constexpr const char* kDhcpcd6Config =
    "option dhcp6_name_servers, dhcp6_domain_search\nipv6only\nslaac hwaddr\nia_na 1\n";

Command dhclient6(const Files& files) {
  write_file(files.config(), "timeout 20;\ninitial-interval 1;\n");
  return {.argv = {"dhclient", "-6", "-1", "-sf", files.script(), "-lf", files.leases(), "-pf",
                   files.pid(), "-cf", files.config(), "eth0"}};
}

Command dhcpcd6(const Files& files) {
  write_file(files.config(), kDhcpcd6Config);
  fs::create_directories("/run/dhcpcd");
  return {.argv = {"dhcpcd", "-6", "-B", "-t", "25", "-f", files.config(), "-c", files.script(),
                   "eth0"},
          .private_directories = {"/run/dhcpcd", "/var/lib/dhcpcd"}};
}

Lease6 read_lease6(const Files& files) {
  Lease6 lease;
  for (const auto& line : lines_of(read_file(files.environment())))
    if (const auto at = line.find('='); at != std::string::npos)
      lease.all[line.substr(0, at)] = line.substr(at + 1);
  const auto value = [&](const char* dhclient, const char* dhcpcd) {
    return lease.all.contains(dhclient) ? lease.all[dhclient] : lease.all[dhcpcd];
  };
  lease.address = value("new_ip6_address", "new_dhcp6_ia_na1_ia_addr1");
  lease.dns = words_of(value("new_dhcp6_name_servers", "new_dhcp6_name_servers"));
  lease.domains = value("new_dhcp6_domain_search", "new_dhcp6_domain_search");
  return lease;
}

}  // namespace

std::optional<Lease6> dhcp6(const Namespace& where, Client client, const std::string& folder) {
  const Files files = prepare(folder);
  write_file(files.script(), fmt::format(kScript6, files.environment()));
  Command command = client == Client::dhcpcd ? dhcpcd6(files) : dhclient6(files);
  command.namespace_fd = where.fd();
  command.deadline = kHangs;
  // dhcpcd goes on listening to routers: it is here no longer than until it has its lease.
  Child running(command, folder + "/log");
  const bool bound =
      eventually([&] { return fs::exists(files.environment()) || !running.running(); }, kHangs);
  running.signal(SIGKILL);
  running.wait();
  if (!bound || !fs::exists(files.environment())) return std::nullopt;
  return read_lease6(files);
}

}  // namespace novaplane::netns
