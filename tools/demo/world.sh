# The vocabulary of the demonstrations: hosts, switches and virtual machines as network namespaces, and checks.
# Who sources it sets: prefix (of the namespaces), folder (of files), parts (names of the namespaces).
failures=0

say() { printf '\n%s\n' "$*"; }
inside() { ip netns exec "$prefix-$1" "${@:2}"; } # inside PART COMMAND...

# Ends what runs in a part.
kill_part() {
  local pid
  for pid in $(ip netns pids "$prefix-$1" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
}
clean() {
  local part
  for part in "${parts[@]}"; do
    kill_part "$part"
    ip netns del "$prefix-$part" 2>/dev/null || true
  done
  rm -rf "$folder"
}

# One line for each check: a tick or a cross, what was done, and what came of it.
check() { # check TEXT EXPECTED-PATTERN COMMAND...
  local text=$1 expected=$2 result
  shift 2
  result=$("$@" 2>&1 </dev/null) || true
  # shellcheck disable=SC2053  # the pattern is meant as one
  if [[ $result == $expected ]]; then
    printf '  \xe2\x9c\x93 %-58s %s\n' "$text" "$(head -n 1 <<<"$result")"
  else
    printf '  \xe2\x9c\x97 %-58s got "%s", expected %s\n' "$text" "$result" "$expected"
    failures=$((failures + 1))
  fi
}

# A cable between NIC $2 of part $1 and switch $3.
cable() {
  ip link add name "$2" netns "$prefix-$1" type veth peer name "$1-$2" netns "$prefix-fabric"
  ip -n "$prefix-fabric" link set "$1-$2" master "$3" up
  ip -n "$prefix-$1" link set "$2" up
}

# A VM: its eth0 ends in its host as a tap would.
vm() { # vm NAME HOST MAC
  ip link add name eth0 netns "$prefix-$1" address "$3" type veth peer name "tap-$1" netns "$prefix-$2"
  ip -n "$prefix-$2" link set "tap-$1" up
  ip -n "$prefix-$1" link set eth0 up
}

# The namespaces $parts and, in that of the fabric, a switch for each argument.
make_parts() { # make_parts SWITCH...
  local part switch
  for part in "${parts[@]}"; do
    ip netns add "$prefix-$part"
    ip -n "$prefix-$part" link set lo up
  done
  for switch in "$@"; do
    ip -n "$prefix-fabric" link add "$switch" type bridge forward_delay 0
    ip -n "$prefix-fabric" link set "$switch" up
  done
}

# A router, so that hosts reach one another's public addresses.
make_world() {
  cable world eth0 wan
  ip -n "$prefix-world" address add 192.0.2.1/24 dev eth0
  ip -n "$prefix-world" address add 198.51.100.7/32 dev lo
  ip -n "$prefix-world" route add 203.0.113.0/24 dev eth0
  inside world sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
}

# A web server that tells a caller who it takes it for.
serve_who() { # serve_who PART [ADDRESS:PORT]
  mkdir -p "$folder/www/cgi-bin"
  printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n%%s\\n" "$REMOTE_ADDR"\n' >"$folder/www/cgi-bin/who"
  chmod +x "$folder/www/cgi-bin/who"
  inside "$1" busybox httpd -p "${2:-0.0.0.0:80}" -h "$folder/www"
}

# A real DHCP client; its script configures the NIC as it is told.
write_lease_script() {
  cat >"$folder/lease" <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev eth0
ip link set eth0 mtu "${mtu:-1500}"
[ -z "$router" ] || ip route replace default via "$router"
echo "$ip router $router mtu ${mtu:-none} name $hostname.$domain" >"$LEASE"
SCRIPT
  chmod +x "$folder/lease"
}
lease() {
  local told=$folder/lease-of-$1
  LEASE=$told inside "$1" busybox udhcpc -f -n -q -t 5 -T 1 -i eth0 -s "$folder/lease" -O mtu >/dev/null 2>&1
  cat "$told"
}

# Whom the web server at an address took us for; bash itself is the client.
who() { # who FROM ADDRESS [PORT]
  inside "$1" timeout 3 bash -c '
    exec 3<>"/dev/tcp/$0/$1" && printf "GET /cgi-bin/who HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' "$2" "${3:-80}"
}
pings() { if inside "$1" ping -n -q -c 2 -i 0.2 -W 1 "$2" >/dev/null; then echo answers; else echo "no answer"; fi; }

need_root() {
  [ "$(id -u)" -eq 0 ] && return
  echo "quickstart: network namespaces need root" >&2
  exit 1
}

finish() {
  if [ $failures -gt 0 ]; then
    say "$failures checks failed."
    exit 1
  fi
  say "All checks passed in $((SECONDS - started)) s."
}
