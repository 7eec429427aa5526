#include <algorithm>
#include <charconv>
#include <iterator>

#include "dataplane/cloud/dhcp_option.h"

/// Values of DHCP options: what they may be, and how they are sent.
namespace novaplane::cloud {
namespace {

using enum DhcpType;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool all_of(std::string_view text, bool (*is)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is);
}

template <class T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    part.remove_suffix(part.size() - (part.find_last_not_of(' ') + 1));
    parts.push_back(part);
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::optional<IpAddress> ipv4_of(std::string_view text) {
  const auto found = IpAddress::parse(text);
  return found && found->is_v4() ? std::optional(*found) : std::nullopt;
}

bool is_addresses(const std::vector<std::string_view>& parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return ipv4_of(part).has_value(); });
}

tl::unexpected<Refusal> too_long(std::string_view what, std::size_t octets) {
  return tl::unexpected(
      Refusal{"bad-value", fmt::format("{} takes {} octets, and a DHCP option holds {}", what,
                                       octets, kDhcpOptionOctets)});
}

DhcpValue words_of(const std::vector<std::string_view>& parts) {
  return {DhcpValue::Form::words, {parts.begin(), parts.end()}};
}

Parsed<DhcpValue> address_list(DhcpType type, std::string_view text) {
  const auto parts = split(text);
  const bool is_one = type == one_address, is_even = type == address_pairs;
  const bool fits = is_one ? parts.size() == 1 : !is_even || parts.size() % 2 == 0;
  if (!is_addresses(parts) || !fits) {
    return is_not(text, is_one    ? "an IPv4 address"
                        : is_even ? "a list of pairs of IPv4 addresses such as 10.1.0.0,10.0.0.9"
                                  : "a list of IPv4 addresses such as 192.0.2.5,192.0.2.6");
  }
  if (parts.size() * 4 > kDhcpOptionOctets) return too_long(shown(text), parts.size() * 4);
  return words_of(parts);
}

Parsed<DhcpValue> domain_list(std::string_view text) {
  const auto parts = split(text);
  std::size_t octets = 0;
  for (const std::string_view part : parts) {
    Event event;
    event.text = part;
    if (!domain(event)) return is_not(text, "a list of DNS domains such as a.example,b.example");
    octets += part.size() + 2;  // RFC 1035, 3.1: a length before each label, 0 after the last
  }
  if (octets > kDhcpOptionOctets) return too_long(shown(text), octets);
  return words_of(parts);
}

Parsed<DhcpValue> sip_list(std::string_view text) {
  if (is_addresses(split(text))) return address_list(addresses, text);
  auto found = domain_list(text);
  return found ? found : is_not(text, "a list of IPv4 addresses or one of DNS domains");
}

Parsed<DhcpValue> octets_of(std::string_view text);

Parsed<DhcpValue> route_list(std::string_view text) {
  const auto parts = split(text);
  if (parts.size() == 1) {
    if (auto octets = octets_of(text)) return octets;
  }
  std::string octets;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    const auto router = i + 1 < parts.size() ? ipv4_of(parts[i + 1]) : std::nullopt;
    const auto range = Prefix::parse(parts[i]);
    if (!router || !range || !range->address.is_v4()) {
      return is_not(text, "a list of ranges, each with its router, such as 10.9.0.0/16,10.0.0.9");
    }
    octets += route_octets(*range, *router);
  }
  if (octets.size() > kDhcpOptionOctets) return too_long(shown(text), octets.size());
  return DhcpValue{DhcpValue::Form::octets, {octets}};
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"';
}

/// What stands between quotes, as dnsmasq reads it (src/option.c, read_file).
std::optional<std::string> unquoted(std::string_view text) {
  constexpr std::string_view kLetters = "\"\\tnbre", kMeanings = "\"\\\t\n\b\r\033";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto letter = text[i] == '\\' && i + 1 < text.size() ? kLetters.find(text[i + 1])
                                                               : std::string_view::npos;
    if (letter != kLetters.npos) ++i;
    if (letter == kLetters.npos && text[i] == '"') return std::nullopt;
    out += letter != kLetters.npos ? kMeanings[letter] : text[i];
  }
  return out;
}

Parsed<DhcpValue> text_of(std::string_view text) {
  const auto found =
      is_quoted(text) ? unquoted(text.substr(1, text.size() - 2)) : std::string(text);
  if (!found) return is_not(text, "a text in quotes: a quote in it needs a \\ before it");
  if (found->size() > kDhcpOptionOctets) return too_long(shown(text), found->size());
  return DhcpValue{DhcpValue::Form::text, {*found}};
}

Parsed<DhcpValue> number(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto value = whole<std::int64_t>(text);
  if (value && *value >= least && *value <= most) {
    return DhcpValue{DhcpValue::Form::words, {fmt::format("{}", *value)}};
  }
  return is_not(text, fmt::format("a number from {} to {}", least, most));
}

/// dnsmasq reads numbers as C's int does.
Parsed<DhcpValue> number32_of(std::string_view text) {
  constexpr std::int64_t kMost = 0xffffffff, kMostInt = 0x7fffffff;
  auto found = number(text, 0, kMost);
  if (!found) return found;
  const auto value = *whole<std::int64_t>(text);
  if (value <= kMostInt) return found;
  std::string octets;
  for (const int shift : {24, 16, 8, 0}) octets += static_cast<char>(value >> shift & 0xff);
  return DhcpValue{DhcpValue::Form::octets, {octets}};
}

Parsed<DhcpValue> seconds_of(std::string_view text) {
  constexpr std::int64_t kMost = 0x7fffffff;
  constexpr std::string_view kUnits = "smhdw";
  constexpr std::int64_t kFactors[] = {1, 60, 3600, 24 * 3600, 7 * 24 * 3600};
  const auto unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
  const std::string_view digits = unit == kUnits.npos ? text : text.substr(0, text.size() - 1);
  const auto value = whole<std::int64_t>(digits);
  const std::int64_t factor = unit == kUnits.npos ? 1 : kFactors[unit];
  if (value && *value >= 1 && *value <= kMost / factor) {
    return DhcpValue{DhcpValue::Form::words, {fmt::format("{}", *value * factor)}};
  }
  return is_not(text, "a time such as 3600, 30m or 12h");
}

/// "01:a2:3", which dnsmasq takes for octets.
Parsed<DhcpValue> octets_of(std::string_view text) {
  std::string octets;
  for (std::string_view rest = text;;) {
    const std::string_view part = rest.substr(0, rest.find(':'));
    unsigned value = 0;
    if (part.size() > 2 || !all_of(part, is_hex_digit)) return is_not(text, "octets");
    std::from_chars(part.data(), part.data() + part.size(), value, 16);
    octets += static_cast<char>(value);
    if (part.size() == rest.size()) break;
    rest.remove_prefix(part.size() + 1);
  }
  if (octets.size() < 2) return is_not(text, "octets such as 01:a2");
  if (octets.size() > kDhcpOptionOctets) return too_long(shown(text), octets.size());
  return DhcpValue{DhcpValue::Form::octets, {octets}};
}

/// As dnsmasq would guess: octets, a number in as many octets as it needs, addresses, a text.
Parsed<DhcpValue> guessed(std::string_view text) {
  const auto is_of_addresses = [](char c) { return is_digit(c) || c == '.' || c == ','; };
  if (is_quoted(text)) return text_of(text);
  if (text.find(':') != text.npos) {
    if (auto octets = octets_of(text)) return octets;
    return text_of(text);
  }
  if (const auto value = whole<std::int64_t>(text)) return number(text, -0x80000000LL, 0x7fffffff);
  const bool is_number = text.size() > 1 && text.find_last_of("bsi") == text.size() - 1 &&
                         all_of(text.substr(0, text.size() - 1), is_digit);
  if (is_number) return DhcpValue{DhcpValue::Form::words, {std::string(text)}};
  if (is_addresses(split(text))) return address_list(addresses, text);
  const bool looks_so = std::all_of(text.begin(), text.end(), is_of_addresses);
  if (!looks_so) return text_of(text);
  return is_not(text,
                "a list of IPv4 addresses; a text of digits and dots needs double quotes "
                "within single ones: '\"1.2\"'");
}

}  // namespace

std::string route_octets(const Prefix& destination, const IpAddress& router) {
  const IpAddress network = destination.network();
  const auto range = network.bytes(), via = router.bytes();
  std::string octets(1, static_cast<char>(destination.length));
  octets.append(range.begin(), range.begin() + (destination.length + 7) / 8);
  return octets.append(via.begin(), via.end());
}

Parsed<DhcpValue> dhcp_value(const DhcpOption& option, std::string_view value) {
  // dnsmasq: an option without a value is not sent where it would be sent by itself.
  const bool may_be_empty = option.type == nothing || option.type == anything || option.code == 3 ||
                            option.code == 6 || option.code == 15 || option.code == 26 ||
                            option.code == 28 || option.code == 121;
  if (value.empty() && may_be_empty) return DhcpValue{};
  switch (value.empty() ? nothing : option.type) {
    case one_address:
    case addresses:
    case address_pairs:
      return address_list(option.type, value);
    case routes:
      return route_list(value);
    case domains:
      return domain_list(value);
    case sip_servers:
      return sip_list(value);
    case text:
      return text_of(value);
    case number8:
      return number(value, 0, 0xff);
    case number16:
      return number(value, 0, 0xffff);
    case number32:
      return number32_of(value);
    case signed32:
      return number(value, -0x80000000LL, 0x7fffffff);
    case seconds:
      return seconds_of(value);
    case nothing:
      return is_not(value, value.empty() ? "a value, and the option needs one"
                                         : "empty: the option has no value");
    case anything:
      return guessed(value);
  }
  return DhcpValue{};
}

}  // namespace novaplane::cloud
