# What the benchmarks of whole programs share: a host and its guests as network namespaces, named
# after this process and gone when it ends. Sourced; needs root.
set -euo pipefail

prefix=npbench$$
folder=/tmp/$prefix
daemon=

clean() {
  [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true
  remove_host
  rm -rf "$folder"
}
trap clean EXIT
mkdir -p "$folder"

remove_host() {
  local part pid
  for part in host guests; do
    for pid in $(ip netns pids "$prefix-$part" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
    ip netns del "$prefix-$part" 2>/dev/null || true
  done
}

inside() { ip netns exec "$prefix-host" "$@"; }
now() { echo "${EPOCHREALTIME/./}"; } # microseconds
median() { sort -n | awk '{value[NR] = $1} END {print value[int((NR + 1) / 2)]}'; }

# The MAC that a document gives port NUMBER.
mac() { printf 'fa:16:3e:00:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }

document() { # document NETWORKS PORTS FLOATING_IPS
  awk -v networks="$1" -v ports="$2" -v floating="$3" 'BEGIN {
    print "hosts:\n  compute1: {uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]}\nnetworks:"
    for (i = 0; i < networks; i++)
      printf "  net%d: {cidr: 10.0.%d.0/24, gateway: 10.0.%d.1}\n", i, i, i
    print "ports:"
    for (i = 0; i < ports; i++)
      printf "  port%d: {network: net%d, host: compute1, mac: \"fa:16:3e:00:%02x:%02x\", address: 10.0.%d.%d, interface: tap%d}\n",
             i, i % networks, int(i / 256), i % 256, i % networks, int(i / networks) + 2, i
    if (floating) print "floating_ips:"
    for (i = 0; i < floating; i++)
      printf "  100.64.%d.%d: {port: port%d}\n", int(i / 256), i % 256, i % ports
  }'
}

make_host() { # make_host PORTS: a host with an uplink, and as many links of guests, up
  ip netns add "$prefix-host"
  ip netns add "$prefix-guests"
  {
    echo "link set lo up"
    echo "link add eth0 type veth peer name wan netns $prefix-guests"
    echo "address add 192.0.2.11/24 dev eth0"
    echo "link set eth0 up"
    for ((i = 0; i < $1; i++)); do
      echo "link add tap$i type veth peer name guest$i address $(mac "$i") netns $prefix-guests"
    done
  } | ip -n "$prefix-host" -batch -
  {
    echo "link set wan up"
    for ((i = 0; i < $1; i++)); do echo "link set guest$i up"; done
  } | ip -n "$prefix-guests" -batch -
}
