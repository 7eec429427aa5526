# What tools/benchmark/peers does with each peer. Sourced by it.

installed() { # installed PROGRAM...: names what is not
  local program
  for program in "$@"; do command -v "$program" >/dev/null || { echo "$program is not installed"; return; }; done
}
bridge_names() { seq -f 'br%.0f' 0 $(($1 - 1)); }

# novaplane: a floating IP more
missing_novaplane() { installed "$novaplaned" dnsmasq; }
prepare_novaplane() { document "$1" "$1" 0 >"$folder/cloud.yaml"; }
start_novaplane() {
  start_at_site "$novaplaned" --state "$folder/cloud.yaml" --host compute1 --run-dir "$folder/run"
}
novaplane_is_ready() { grep '>ready' "$folder/peer.log"; }
novaplane_serves() {
  [ "$(at_site nft list map inet novaplane snat_source | grep -o '"br-net[0-9]*"' | wc -l)" -ge "$1" ] &&
    [ "$(at_site ss -H -u -l -n 'sport = :67' | wc -l)" -ge "$1" ]
}
begin_novaplane() { start_novaplane && until_true novaplane_serves "$1"; }
novaplane_answers() { at_site ip route show table local | grep -c 203.0.113.10; }
more_novaplane() {
  printf 'floating_ips:\n  203.0.113.10: {port: port0}\n' >>"$folder/cloud.yaml"
  kill -HUP "$daemon"
  until_true novaplane_answers
}
again_novaplane() { stop_daemon && : >"$folder/peer.log" && start_novaplane && until_true novaplane_is_ready; }

# systemd-networkd: an address of a bridge more, by a restart: without D-Bus nothing tells it to read again
networkd=/lib/systemd/systemd-networkd
missing_networkd() { installed $networkd; }
prepare_networkd() {
  local name number=0
  for name in $(bridge_names "$1"); do
    printf '[NetDev]\nName=%s\nKind=bridge\n' "$name" >"$folder/network/$name.netdev"
    cat >"$folder/network/$name.network" <<-END
		[Match]
		Name=$name
		[Network]
		Address=10.0.$number.1/24
		IPMasquerade=ipv4
		DHCPServer=yes
		LinkLocalAddressing=no
		IPv6AcceptRA=no
		ConfigureWithoutCarrier=yes
	END
    printf '[Match]\nName=tap%d\n[Network]\nBridge=%s\nLinkLocalAddressing=no\n' "$number" "$name" \
      >"$folder/network/tap$number.network"
    number=$((number + 1))
  done
}
networkd_serves() {
  [ "$(at_site nft list set ip io.systemd.nat masq_saddr | grep -o '10\.0\.[0-9]*\.0/24' | wc -l)" -ge "$1" ] &&
    [ "$(at_site ss -H -u -l -n 'sport = :67' | wc -l)" -ge "$1" ]
}
begin_networkd() { start_at_site $networkd && until_true networkd_serves "$1"; }
networkd_has_address() { at_site ip -4 address show dev br0 | grep -c 10.250.0.1; }
more_networkd() {
  sed -i 's/^Address=.*/&\nAddress=10.250.0.1\/24/' "$folder/network/br0.network"
  stop_daemon && start_at_site $networkd && until_true networkd_has_address
}
again_networkd() {
  stop_daemon && at_site sh -c 'rm -f /run/systemd/netif/links/*' && start_at_site $networkd &&
    until_true networkd_serves "$1"
}

# libvirt: a DHCP host more
missing_libvirt() { installed libvirtd virsh dnsmasq iptables; }
virsh_at_site() { at_site virsh --quiet --connect network:///system "$@"; }
libvirt_answers() { virsh_at_site net-list --all; }
start_libvirt() { start_at_site libvirtd && until_true libvirt_answers; }
prepare_libvirt() {
  local number
  # Its driver of virtual machines asks for a user that libvirt-daemon-system would make.
  (cat /etc/passwd && echo 'libvirt-qemu:x:64055:64055::/:/bin/false') >"$folder/passwd"
  (cat /etc/group && echo 'libvirt-qemu:x:64055:') >"$folder/group"
  at_site mount --bind "$folder/passwd" /etc/passwd && at_site mount --bind "$folder/group" /etc/group
  printf 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n' >"$folder/libvirt/libvirtd.conf"
  for ((number = 0; number < $1; number++)); do
    cat >"$folder/net$number.xml" <<-END
	<network>
	  <name>net$number</name>
	  <forward mode='nat'/>
	  <bridge name='br$number' delay='0'/>
	  <ip address='10.0.$number.1' netmask='255.255.255.0'>
	    <dhcp><range start='10.0.$number.2' end='10.0.$number.254'/></dhcp>
	  </ip>
	</network>
	END
  done
  start_libvirt
}
begin_libvirt() {
  local number
  for ((number = 0; number < $1; number++)); do virsh_at_site net-create "$folder/net$number.xml" || return 1; done
}
more_libvirt() {
  virsh_at_site net-update net0 add ip-dhcp-host "<host mac='52:54:00:00:00:99' ip='10.0.0.99'/>" --live
}
libvirt_has() { [ "$(virsh_at_site net-list --name | grep -c net)" -ge "$1" ]; }
again_libvirt() { stop_daemon && start_libvirt && until_true libvirt_has "$1"; }

# The CNI plugin bridge with host-local: a container more. It has no daemon.
cni=/usr/lib/cni
missing_cni() { installed $cni/bridge $cni/host-local iptables; }
prepare_cni() { :; }
cni_add() { # cni_add NETWORK INTERFACE
  printf '{"cniVersion": "0.4.0", "name": "net%d", "type": "bridge", "bridge": "br%d", "isGateway": true, "ipMasq": true,
    "ipam": {"type": "host-local", "subnet": "10.0.%d.0/24"}}' "$1" "$1" "$1" |
    at_site env CNI_COMMAND=ADD CNI_CONTAINERID="c$2" CNI_NETNS="$folder/netns/$prefix-guests" CNI_IFNAME="$2" \
      CNI_PATH=$cni $cni/bridge >>"$folder/peer.log" 2>&1
}
begin_cni() {
  local number
  for ((number = 0; number < $1; number++)); do cni_add "$number" "cni$number" || return 1; done
}
more_cni() { cni_add 0 more; }
again_cni() { return 1; }

# LXD: a network forward more
missing_lxd() { installed lxd lxc dnsmasq; }
lxc_at_site() { at_site env LXD_DIR="$folder/lxd" HOME="$folder" lxc --quiet "$@" </dev/null; }
lxd_answers() { lxc_at_site network list; }
start_lxd() { start_at_site env LXD_DIR="$folder/lxd" lxd --group root && until_true lxd_answers; }
prepare_lxd() { mkdir -p "$folder/lxd" && start_lxd; }
begin_lxd() {
  local number
  for ((number = 0; number < $1; number++)); do
    lxc_at_site network create "br$number" ipv4.address="10.0.$number.1/24" ipv4.nat=true ipv6.address=none || return 1
  done
}
more_lxd() { lxc_at_site network forward create br0 203.0.113.10 target_address=10.0.0.99; }
lxd_has() { [ "$(lxc_at_site network list --format csv | grep -c '^br.*YES')" -ge "$1" ]; }
again_lxd() { stop_daemon && start_lxd && until_true lxd_has "$1"; }

# OVN routes and translates in Open vSwitch's module of the kernel.
missing_ovn() {
  installed ovn-nbctl ovs-vsctl ovn-controller
  modprobe --dry-run openvswitch >/dev/null 2>&1 || [ -e /sys/module/openvswitch ] ||
    echo "the kernel has no Open vSwitch"
}
