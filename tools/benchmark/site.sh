# What the benchmarks of whole programs share: a host and its guests as network namespaces, named
# after this process and gone when it ends. Sourced; needs root.
set -euo pipefail

prefix=npbench$$
folder=/tmp/$prefix
daemon=

# Rows of the table that are still to come: when the program ends before, they say so.
rows=()
done_with() { # done_with ROW
  local row left=()
  for row in "${rows[@]}"; do [ "$row" = "$1" ] || left+=("$row"); done
  rows=("${left[@]}")
}

clean() {
  [ ${#rows[@]} -eq 0 ] || printf '| %s | failed | | | |\n' "${rows[@]}"
  [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true
  remove_host
  rm -rf "$folder"
}
trap clean EXIT
mkdir -p "$folder"

parts=(host guests)
remove_host() {
  local part pid
  for part in "${parts[@]}"; do
    for pid in $(ip netns pids "$prefix-$part" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
    ip netns del "$prefix-$part" 2>/dev/null || true
  done
}

at() { ip netns exec "$prefix-$1" "${@:2}"; }
run_at() { # run_at PART LOG COMMAND...: in the background, until it is killed
  ip netns exec "$prefix-$1" "${@:3}" >>"$2" 2>&1 &
  disown
}
inside() { ip netns exec "$prefix-host" "$@"; }
# attempt COMMAND...: what fails there does not end the program, which fails at its end.
failed=
attempt() {
  local status
  set +e
  (trap - EXIT && set -e && "$@")
  status=$?
  set -e
  [ "$status" -eq 0 ] || failed=yes
}
now() { echo "${EPOCHREALTIME/./}"; } # microseconds
median() { sort -n | awk '{value[NR] = $1} END {print value[int((NR + 1) / 2)]}'; }

await() { # await COMMAND...: at most half a minute
  local deadline=$(($(now) + 30000000))
  until "$@" >/dev/null 2>&1; do
    [ "$(now)" -lt "$deadline" ] || { echo "in vain: $*" >&2; tail -n 5 "$folder"/*.log >&2; exit 1; }
  done
}

# A guest that asks the world every 10 ms, and how long it had no answer.
start_ping() { # start_ping PART ADDRESS
  : >"$folder/ping"
  run_at "$1" "$folder/ping" stdbuf -oL ping -n -D -i 0.01 -c 3000 "$2"
}
pinged() { [ "$(grep -c icmp_seq "$folder/ping")" -ge "$1" ]; } # pinged ANSWERS
outage() { # the longest time between two answers beyond those 10 ms, in milliseconds
  awk -F'[][]' '/icmp_seq/ {if (last && $2 - last > gap) gap = $2 - last; last = $2}
    END {printf "%.0f\n", gap * 1000 - 10}' "$folder/ping"
}

# Networks on switches of their own: what is not on a host.
cable() { # cable PART NIC SWITCH
  ip -n "$prefix-fabric" link add name "$1-$2" type veth peer name "$2" netns "$prefix-$1"
  ip -n "$prefix-fabric" link set dev "$1-$2" master "$3" up
  ip -n "$prefix-$1" link set dev "$2" up
}
make_switches() { # make_switches NAME...: and the namespaces of all parts
  local name
  for name in "${parts[@]}"; do ip netns add "$prefix-$name" && ip -n "$prefix-$name" link set dev lo up; done
  for name in "$@"; do
    ip -n "$prefix-fabric" link add name "$name" type bridge forward_delay 0
    ip -n "$prefix-fabric" link set dev "$name" up
  done
}

# The MAC that a document gives port NUMBER.
mac() { printf 'fa:16:3e:00:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }

document() { # document NETWORKS PORTS FLOATING_IPS [KEYS OF NETWORKS]
  awk -v networks="$1" -v ports="$2" -v floating="$3" -v keys="${4-}" 'BEGIN {
    print "hosts:\n  compute1: {uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]}\nnetworks:"
    for (i = 0; i < networks; i++)
      printf "  net%d: {cidr: 10.0.%d.0/24, gateway: 10.0.%d.1%s}\n", i, i, i, keys
    print "ports:"
    for (i = 0; i < ports; i++)
      printf "  port%d: {network: net%d, host: compute1, mac: \"fa:16:3e:00:%02x:%02x\", address: 10.0.%d.%d, interface: tap%d}\n",
             i, i % networks, int(i / 256), i % 256, i % networks, int(i / networks) + 2, i
    if (floating) print "floating_ips:"
    for (i = 0; i < floating; i++)
      printf "  100.%d.%d.%d: {port: port%d}\n", 64 + int(i / 65536), int(i / 256) % 256, i % 256, i % ports
  }'
}

make_host() { # make_host PORTS [PART GUESTS]: a host with an uplink, and as many links of guests, up
  local host=$prefix-${2-host} guests=$prefix-${3-guests}
  ip netns add "$host"
  ip netns add "$guests"
  {
    echo "link set lo up"
    echo "link add eth0 type veth peer name wan netns $guests"
    echo "address add 192.0.2.11/24 dev eth0"
    echo "link set eth0 up"
    for ((i = 0; i < $1; i++)); do
      echo "link add tap$i type veth peer name guest$i address $(mac "$i") netns $guests"
    done
  } | ip -n "$host" -batch -
  {
    echo "link set wan up"
    for ((i = 0; i < $1; i++)); do echo "link set guest$i up"; done
  } | ip -n "$guests" -batch -
}
