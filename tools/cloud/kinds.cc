#include "tools/cloud/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "dataplane/cli/nearest.h"

namespace novaplane::tools {
namespace {

constexpr Column kHost[] = {{"NAME", ""},
                            {"INTERFACE", "vm_interface"},
                            {"UPLINKS", "uplinks"},
                            {"TUNNEL", "tunnel_address"}};
constexpr Column kNetwork[] = {{"NAME", ""},           {"CIDR", "cidr"},
                               {"GATEWAY", "gateway"}, {"MODE", "gateway_mode"},
                               {"SEGMENT", "segment"}, {"CIDR6", "cidr6"}};
constexpr Column kPort[] = {{"NAME", ""},     {"NETWORK", "network"},
                            {"HOST", "host"}, {"ADDRESS", "address"},
                            {"MAC", "mac"},   {"INTERFACE", "interface"}};
constexpr Column kFloatingIp[] = {{"ADDRESS", ""}, {"PORT", "port"}, {"UPLINK", "uplink"}};
constexpr Column kPortForward[] = {
    {"NAME", ""},     {"ADDRESS", "address"}, {"PROTOCOL", "protocol"},
    {"PORT", "port"}, {"TO PORT", "to_port"}, {"TO", "to"}};
constexpr Column kGroup[] = {{"NAME", ""}, {"INGRESS", "ingress"}, {"EGRESS", "egress"}};
constexpr Column kPool[] = {{"NAME", ""},           {"RANGES", "ranges"}, {"RESERVED", "reserved"},
                            {"NETWORK", "network"}, {"UPLINK", "uplink"}, {"TOTAL", "use.total"},
                            {"USED", "use.used"},   {"FREE", "use.free"}};
constexpr Column kRanges[] = {{"NAME", ""}, {"NO SNAT", "no_snat"}, {"FORCE SNAT", "force_snat"}};

constexpr KindWords kKinds[] = {
    {"hosts", "host", "hosts", kHost},
    {"networks", "network", "networks", kNetwork},
    {"ports", "port", "ports", kPort},
    {"floating_ips", "floating IP", "floating IPs", kFloatingIp},
    {"port_forwards", "port forward", "port forwards", kPortForward},
    {"security_groups", "security group", "security groups", kGroup},
    {"pools", "pool", "pools", kPool},
    {"ranges", "ranges", "ranges", kRanges},
};

struct Alias {
  std::string_view word, section;
};
constexpr Alias kAliases[] = {
    {"net", "networks"},           {"nets", "networks"},         {"floating", "floating_ips"},
    {"fip", "floating_ips"},       {"fips", "floating_ips"},     {"forward", "port_forwards"},
    {"forwards", "port_forwards"}, {"group", "security_groups"}, {"groups", "security_groups"},
    {"sg", "security_groups"},     {"range", "ranges"},          {"snat", "ranges"},
};

const KindWords* of_section(std::string_view section) {
  const auto it = std::ranges::find(kKinds, section, &KindWords::section);
  return it != std::end(kKinds) ? it : nullptr;
}

std::string as_in_document(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

tl::unexpected<std::string> unknown(std::string_view word) {
  std::vector<std::string> known, shown;
  for (const KindWords& kind : kKinds) {
    std::string name(kind.section);
    std::ranges::replace(name, '_', '-');
    known.push_back(name);
    if (name.ends_with('s') && !name.starts_with("ranges")) name.pop_back();
    shown.push_back(std::move(name));
  }
  known.insert(known.end(), shown.begin(), shown.end());
  return tl::unexpected(fmt::format("there is no kind '{}'{} (kinds: {})", word,
                                    cli::did_you_mean(word, known), fmt::join(shown, ", ")));
}

}  // namespace

tl::expected<const KindWords*, std::string> kind_called(std::string_view word) {
  std::string section = as_in_document(word);
  for (const Alias& alias : kAliases) {
    if (alias.word == section) section = alias.section;
  }
  if (const auto* kind = of_section(section)) return kind;
  if (const auto* kind = of_section(section + "s")) return kind;
  return unknown(word);
}

std::string object_called(std::string_view section, std::string_view name) {
  const KindWords* kind = of_section(section);
  if (!kind) return fmt::format("{}/{}", section, name);
  return section == "ranges" ? "ranges" : fmt::format("{} {}", kind->singular, name);
}

std::string Target::path() const {
  return fmt::format("/v1/{}{}{}", kind->section, name.empty() ? "" : "/", url_encoded(name));
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') ||
                          std::string_view("-._~:").find(c) != std::string_view::npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace novaplane::tools
