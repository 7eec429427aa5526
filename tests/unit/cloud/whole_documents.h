#pragma once

#include <string>
#include <vector>

#include "dataplane/cloud/document.h"

namespace novaplane::cloud::test {

/// Valid documents in which together each key of the schema stands, with another value than its
/// default.
inline const std::vector<std::string>& whole_documents() {
  static const std::vector<std::string> kDocuments = {
      R"(
hosts:
  compute2: {}
  compute1:
    vm_interface: eth1
    tunnel_address: 192.0.2.1
    metadata: 127.0.0.1:8775
    new_flows: 500
    allow: [tcp/22, udp/123]
    host_networks: [172.31.0.0/16, "fd00:1::/64"]
    router: true
    uplinks:
      - name: wan
        interface: eth0
        gateway: 192.0.2.254
        source: 192.0.2.11
        source6: "2001:db8:9::11"
        weight: 3
        probe: {interval: 200ms, burst: 5, burst_interval: 30ms, recovered: 2, targets: [192.0.2.254, "2001:db8::1"], hold_down: 1m, fail_back: false}
      - {name: lan, interface: eth2, source: none}
      - {name: "true", interface: eth3}
    uplink_policy: balance
    manage_host_default: true
    mark_mask: 0xffff0000
    gateways: {plain: 10.3.0.1}
    gateways6: {plain: "fd00:3::1"}
    vrrp_id: 7
    prune: true
networks:
  web:
    cidr: 10.1.0.0/16
    gateway: 10.1.0.1
    gateway_mode: hardware
    host_address: 10.1.0.2
    fallback: host
    segment: {vlan: 101}
    interface: eth4
    gateway_mac: 02:00:00:00:00:01
    router_probe: {interval: 1s, lost: 5, recovered: 4}
    bridge: br0
    mtu: 9000
    snat: false
    snat6: true
    uplinks: [lan, wan]
    security_groups: [ssh, "no"]
    privacy_addresses: false
    dhcp:
      lease: 90m
      dns: [192.0.2.53, "::1"]
      domain: example.org
      options: {ntp-server: 192.0.2.123, "15": "\"1\""}
      routes: [{destination: 192.168.0.0/16, via: 10.1.0.9}]
  plain: {cidr: 10.3.0.0/24, gateway_mode: per-host, cidr6: "fd00:3::/64", segment: {vxlan: 5001}, routed: true, dhcp: {enabled: false}}
  alone: {cidr: 10.4.0.0/24, gateway_mode: none, segment: {vlan: 104}}
  six: {cidr: 10.5.0.0/24, gateway: 10.5.0.1, cidr6: "fd00:5::/64", gateway6: "fd00:5::1", segment: {vlan: 105}}
ports:
  web1:
    network: web
    host: compute1
    mac: fa:16:3e:00:00:01
    address: 10.1.0.11
    interface: tap1
    default_route: false
    gateway: 10.1.0.3
    hostname: www
    rate: {ingress: 1gbit, egress: 1500kbit, burst: 32kb}
    security_groups: [ssh]
    allowed_pairs: [{address: 10.1.0.100}, {address: 10.1.1.0/24, mac: fa:16:3e:00:00:99}]
    log: true
    instance_id: 6ba7b810-9dad-11d1-80b4-00c04fd430c8
    project_id: "1e3"
  web2: {network: web, host: compute1, migrating_to: compute2, mac: fa:16:3e:00:00:02, address: 10.1.0.12, interface: tap2, port_security: false, security_groups: []}
  a.long_name-of-a-port: {network: plain, host: compute1, mac: fa:16:3e:00:00:03, address: 10.3.0.3, interface: tap3}
  own6: {network: plain, host: compute1, mac: fa:16:3e:00:00:04, address: 10.3.0.4, interface: tap4, address6: "fd00:3::4"}
  slaac: {network: six, mac: fa:16:3e:00:00:05, address: 10.5.0.5}
floating_ips:
  203.0.113.11: {port: web1, uplink: wan, announce: 0, rate: {ingress: 2gbit, egress: 8001bit, burst: 1000b}}
  203.0.113.10: {port: web1, uplink: any}
  2001:db8:f::1: {port: own6}
  203.0.113.12: {}
port_forwards:
  ssh: {address: 203.0.113.20, protocol: tcp, port: 2222, to_port: web1, to: 22}
  games: {address: 203.0.113.20, protocol: udp, port: 8000-8010, to_port: web1, to: 9000-9010}
security_groups:
  ssh:
    ingress:
      - {protocol: tcp, ports: 22, from: 192.0.2.7}
      - {protocol: udp, ports: [53, 8000-8010], from: [10.0.0.0/8, 192.168.0.0/16]}
      - {protocol: icmp, type: 8, code: 0}
      - {protocol: 99, from_group: "no"}
    egress: []
    log: true
  "no":
    egress:
      - {protocol: tcp, ports: [1-1024], to: ["2001:db8::/32"]}
      - {protocol: icmpv6, type: 128, code: 1, to_group: ssh}
  empty: {}
no_snat: [10.0.0.0/8, "fd00::/8"]
force_snat: [198.51.100.0/24]
pools:
  public: {ranges: [203.0.113.0/28, 203.0.113.77], reserved: [203.0.113.1], uplink: wan}
  webs: {ranges: [10.1.128.0/17], network: web}
)",
      R"(
hosts:
  g1: {tunnel_address: "2001:db8::1", metadata: {address: "[2001:db8::5]:80", headers: true, secret_file: /etc/novaplane/secret}, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.254, source: 192.0.2.11}]}
  g2: {tunnel_address: "2001:db8::2", uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.254, source: 192.0.2.11}]}
networks:
  shared: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, gateway_mode: failover, gateway_hosts: [g1, g2], segment: {vxlan: 7}}
)",
      "{}\n"};
  return kDocuments;
}

}  // namespace novaplane::cloud::test
