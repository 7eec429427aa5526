#include "dataplane/cloud/scalars.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace novaplane::cloud {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_letter(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
}
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

template <class T, class... Base>
std::optional<T> whole(std::string_view text, Base... base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// YAML 1.1 takes 010 for 8 and JSON for an error: refused.
bool is_decimal(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit) &&
         (text.size() == 1 || text.front() != '0');
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  const auto value = is_decimal(text) ? whole<std::uint16_t>(text) : std::nullopt;
  return value && *value != 0 ? value : std::nullopt;
}

bool is_name(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), is_name_letter);
}

/// The number before the unit, and the unit in lower case.
struct Quantity {
  double amount = 0;
  std::string unit;
};

std::optional<Quantity> quantity(std::string_view text) {
  const auto is_part = [](char c) { return is_digit(c) || c == '.'; };
  const auto unit = std::find_if_not(text.begin(), text.end(), is_part);
  const std::string_view digits = text.substr(0, unit - text.begin());
  if (digits.empty() || !is_digit(digits.front()) || !is_digit(digits.back())) return std::nullopt;
  const auto amount = whole<double>(digits);
  if (!amount) return std::nullopt;
  Quantity found{*amount, std::string(unit, text.end())};
  for (char& c : found.unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return found;
}

struct Unit {
  std::string_view name;
  double factor;
};

template <std::size_t size>
std::optional<double> in_units(std::string_view text, const Unit (&units)[size]) {
  const auto found = quantity(text);
  if (!found) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name == found->unit) return found->amount * unit.factor;
  }
  return std::nullopt;
}

constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}};

// tc/tc_util.c: rates count in thousands (or 1024 with an i), "bps" means bytes a second.
constexpr Unit kRates[] = {
    {"", 1},        {"bit", 1},        {"kbit", 1e3},     {"mbit", 1e6},     {"gbit", 1e9},
    {"tbit", 1e12}, {"kibit", 0x1p10}, {"mibit", 0x1p20}, {"gibit", 0x1p30}, {"bps", 8},
    {"kbps", 8e3},  {"mbps", 8e6},     {"gbps", 8e9},
};

// tc/tc_util.c: sizes always count in 1024.
constexpr Unit kSizes[] = {
    {"", 1},         {"b", 1},         {"k", 0x1p10},    {"kb", 0x1p10},
    {"m", 0x1p20},   {"mb", 0x1p20},   {"g", 0x1p30},    {"gb", 0x1p30},
    {"kbit", 0x1p7}, {"mbit", 0x1p17}, {"gbit", 0x1p27},
};

constexpr double kMostMilliseconds = std::numeric_limits<std::uint32_t>::max();
constexpr double kMostBits = 1e15;

/// What no single machine has: multicast, broadcast, "this network" (RFC 1122, 3.2.1.3).
bool is_of_many(const IpAddress& found) {
  if (found.is_multicast() || found.is_unspecified()) return true;
  return found.is_v4() && (found.bytes()[0] == 0 || found.v4_value() == 0xffffffff);
}

/// What means something on one link only, or is IPv4 in disguise (RFC 4291, 2.5.5 and 2.5.6).
bool is_special(const IpAddress& found) {
  static const Prefix kMapped = *Prefix::parse("::ffff:0:0/96"),
                      kLink = *Prefix::parse("fe80::/10");
  static const IpAddress kMetadata = IpAddress::v4(0xa9fea9fe);
  return found.is_v4() ? found == kMetadata : kMapped.contains(found) || kLink.contains(found);
}

Parsed<IpAddress> machine(const Event& event, std::string_view wanted, bool v4, bool v6) {
  const auto found = IpAddress::parse(event.text);
  if (!found) return is_not(event.text, wanted);
  if (!(found->is_v4() ? v4 : v6)) {
    return tl::unexpected(Refusal{"wrong-family", fmt::format("{} is not {}", *found, wanted)});
  }
  if (is_of_many(*found) || found->is_loopback() || is_special(*found)) {
    return is_not(event.text, "the address of a machine");
  }
  return *found;
}

Parsed<Prefix> range(const Event& event, std::string_view wanted, bool v4) {
  const auto found = Prefix::parse(event.text);
  if (!found) return is_not(event.text, wanted);
  if (found->address.is_v4() != v4) {
    return tl::unexpected(Refusal{"wrong-family", fmt::format("{} is not {}", *found, wanted)});
  }
  if (!found->is_range()) {
    const Prefix meant{found->network(), found->length};
    return tl::unexpected(
        Refusal{"bad-value", fmt::format("{} is not a range: did you mean {}?", *found, meant)});
  }
  return *found;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) {
    if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  // A cut in the middle of a UTF-8 character takes its beginning along.
  if (text.size() > kLongest) {
    while ((out.back() & 0xc0) == 0x80) out.pop_back();
    if ((out.back() & 0xc0) == 0xc0) out.pop_back();
    out += "...";
  }
  return out + '"';
}

tl::unexpected<Refusal> is_not(std::string_view text, std::string_view wanted) {
  return tl::unexpected(Refusal{"bad-value", fmt::format("{} is not {}", shown(text), wanted)});
}

Parsed<bool> boolean(const Event& event) {
  if (!event.quoted && event.text == "true") return true;
  if (!event.quoted && event.text == "false") return false;
  const std::string_view hint = event.quoted ? " (without quotes)" : "";
  return tl::unexpected(
      Refusal{"wrong-type", fmt::format("{} is not true or false{}", shown(event.text), hint)});
}

Parsed<std::uint64_t> number_between(const Event& event, std::uint64_t least, std::uint64_t most) {
  const std::string wanted = fmt::format("a number from {} to {}", least, most);
  if (event.quoted || !is_decimal(event.text)) {
    const std::string_view hint = event.quoted ? " (without quotes)" : "";
    return tl::unexpected(
        Refusal{"wrong-type", fmt::format("{} is not {}{}", shown(event.text), wanted, hint)});
  }
  const auto value = whole<std::uint64_t>(event.text);
  if (!value || *value < least || *value > most) return is_not(event.text, wanted);
  return *value;
}

Parsed<std::string> object_name(const Event& event) {
  if (is_name(event.text, 63)) return std::string(event.text);
  return tl::unexpected(Refusal{
      "bad-name", fmt::format("{} is not a name: 1 to 63 letters, digits, '.', '_' or '-', the "
                              "first not '.' or '-'",
                              shown(event.text))});
}

Parsed<std::string> uplink_name(const Event& event) {
  if (event.text != "any") return object_name(event);
  return tl::unexpected(Refusal{"bad-name", "\"any\" means every uplink and cannot name one"});
}

Parsed<std::string> link(const Event& event) {
  // Beyond the kernel's rule: these names also stand in files and paths, where "all", a wildcard
  // or a quote would mean something else; the kernel itself expands '%' in new names.
  const auto is_safe = [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("\"'\\*?#,;%{}").find(c) == std::string_view::npos;
  };
  const std::string_view text = event.text;
  const bool is_reserved = text == "all" || text == "default" || text == "lo";
  if (is_link_name(text) && !is_reserved && std::all_of(text.begin(), text.end(), is_safe)) {
    return std::string(text);
  }
  return tl::unexpected(Refusal{
      "bad-name", fmt::format("{} cannot name an interface (1 to 15 characters, no white space, "
                              "quotes, '/', ':', '%' or '*')",
                              shown(text))});
}

Parsed<std::string> host_name(const Event& event) {
  if (is_name(event.text, 253)) return std::string(event.text);
  return tl::unexpected(
      Refusal{"bad-name", fmt::format("{} is not a host name", shown(event.text))});
}

Parsed<std::string> domain(const Event& event) {
  const auto is_label = [](std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  };
  const auto is_number = [](std::string_view label) {
    return std::all_of(label.begin(), label.end(), is_digit);
  };
  // RFC 3696, section 2: a name that ends in a number could be an address ("1" in 10.0.0).
  bool valid = event.text.size() <= 253 && !is_number(event.text.substr(event.text.rfind('.') + 1));
  for (std::string_view rest = event.text; valid;) {
    const auto dot = rest.find('.');
    valid = is_label(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (valid) return std::string(event.text);
  return is_not(event.text, "a DNS domain");
}

Parsed<std::string> single_line(const Event& event) {
  if (event.text.size() <= 255 && std::none_of(event.text.begin(), event.text.end(), is_control)) {
    return std::string(event.text);
  }
  return is_not(event.text, "a single line of up to 255 characters");
}

Parsed<std::string> absolute_path(const Event& event) {
  if (event.text.starts_with('/') && single_line(event)) return std::string(event.text);
  return is_not(event.text, "an absolute path such as /etc/novaplane/metadata.secret");
}

Parsed<IpAddress> ipv4(const Event& event) {
  return machine(event, "an IPv4 address", true, false);
}
Parsed<IpAddress> ipv6(const Event& event) {
  return machine(event, "an IPv6 address", false, true);
}
Parsed<IpAddress> address(const Event& event) {
  return machine(event, "an IP address", true, true);
}

Parsed<IpAddress> server(const Event& event) {
  const auto found = IpAddress::parse(event.text);
  if (found && found->is_loopback()) return *found;
  return address(event);
}

Parsed<Prefix> range4(const Event& event) {
  return range(event, "an IPv4 range such as 10.0.0.0/24", true);
}

Parsed<Prefix> range6(const Event& event) {
  return range(event, "an IPv6 range such as 2001:db8::/64", false);
}

Parsed<Prefix> any_range(const Event& event) {
  return event.text.find(':') == std::string_view::npos ? range4(event) : range6(event);
}

Parsed<Mac> mac(const Event& event) {
  const auto found = Mac::parse(event.text);
  if (!found) return is_not(event.text, "a MAC address such as fa:16:3e:00:00:01");
  if (found->is_zero() || found->is_multicast()) {
    return is_not(event.text, "the MAC address of one machine");
  }
  return *found;
}

Parsed<SocketAddress> socket_address(const Event& event) {
  constexpr auto kWanted = "an address and port such as 127.0.0.1:8775 or [2001:db8::1]:80";
  const auto colon = event.text.rfind(':');
  if (colon == std::string_view::npos) return is_not(event.text, kWanted);
  std::string_view host = event.text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const auto found = IpAddress::parse(host);
  const auto port = port_number(event.text.substr(colon + 1));
  if (!found || !port || is_of_many(*found) || found->is_v4() == in_brackets) {
    return is_not(event.text, kWanted);
  }
  return SocketAddress{*found, *port};
}

Parsed<ServicePort> service_port(const Event& event) {
  constexpr auto kWanted = "a protocol and port such as tcp/22";
  const auto slash = event.text.find('/');
  if (slash == std::string_view::npos) return is_not(event.text, kWanted);
  const auto protocol = event.text.substr(0, slash);
  const auto port = port_number(event.text.substr(slash + 1));
  if (!port || (protocol != "tcp" && protocol != "udp")) return is_not(event.text, kWanted);
  return ServicePort{protocol == "tcp" ? Protocol::tcp : Protocol::udp, *port};
}

Parsed<PortRange> port_range(const Event& event) {
  const auto hyphen = event.text.find('-');
  const auto first = port_number(event.text.substr(0, hyphen));
  const auto last =
      hyphen == std::string_view::npos ? first : port_number(event.text.substr(hyphen + 1));
  if (first && last && *first <= *last) return PortRange{*first, *last};
  return is_not(event.text, "a port from 1 to 65535 or a range such as 8000-8010");
}

Parsed<std::uint32_t> read_milliseconds(const Event& event) {
  const auto found = in_units(event.text, kTimes);
  if (!found || *found < 1 || *found > kMostMilliseconds) {
    return is_not(event.text, "a time such as 100ms, 5s, 30m or 24h");
  }
  return static_cast<std::uint32_t>(std::lround(*found));
}

Parsed<std::uint32_t> read_lease_time(const Event& event) {
  const bool is_plain = is_decimal(event.text) && !event.quoted;
  const auto found =
      is_plain ? in_units(fmt::format("{}s", event.text), kTimes) : in_units(event.text, kTimes);
  if (!found || *found > kMostMilliseconds * 1000) {
    return is_not(event.text, "a time such as 24h, 30m or a number of seconds");
  }
  // dnsmasq would silently raise it (src/option.c).
  if (*found < 120e3) return is_not(event.text, "a lease time: DHCP needs 2m or more");
  return static_cast<std::uint32_t>(*found / 1000);
}

Parsed<std::uint64_t> read_rate(const Event& event) {
  const auto found = in_units(event.text, kRates);
  if (!found) return is_not(event.text, "a rate such as 512kbit, 100mbit or 1gbit");
  if (*found >= 8e3 && *found <= 100e9) return static_cast<std::uint64_t>(*found);
  return is_not(event.text, "a rate from 8kbit to 100gbit");
}

Parsed<std::uint64_t> read_size(const Event& event) {
  const auto found = in_units(event.text, kSizes);
  if (found && *found >= 1 && *found <= kMostBits) return static_cast<std::uint64_t>(*found);
  return is_not(event.text, "a size such as 32kb or 1mb");
}

Parsed<Prefix> read_address_or_range(const Event& event) {
  if (event.text.find('/') != std::string_view::npos) return any_range(event);
  constexpr std::uint8_t kWhole4 = 32, kWhole6 = 128;
  const auto address = IpAddress::parse(event.text);
  if (!address) return is_not(event.text, "an IP address or a range such as 192.0.2.0/24");
  return Prefix{*address, address->is_v4() ? kWhole4 : kWhole6};
}

Parsed<std::uint32_t> read_mark_mask(const Event& event) {
  const std::string_view text = event.text;
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const auto mask = is_hex ? whole<std::uint32_t>(text.substr(2), 16) : std::nullopt;
  if (!mask) return is_not(text, fmt::format("a mask of up to 32 bits such as {:#x}", kMarkMask));
  if (std::popcount(*mask) >= kFewestMarkBits) return *mask;
  return is_not(text, fmt::format("a mask with {} bits or more, which is what there is to tell",
                                  kFewestMarkBits));
}

}  // namespace novaplane::cloud
