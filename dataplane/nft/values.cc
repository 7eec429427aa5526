#include "dataplane/nft/values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "dataplane/nft/fields.h"

namespace novaplane::nft {
namespace {

constexpr std::size_t kNameSize = 16;  // IFNAMSIZ

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string protocol_text(std::uint8_t protocol) {
  switch (protocol) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 58:
      return "ipv6-icmp";
    default:
      return std::to_string(protocol);
  }
}

}  // namespace

std::string_view to_string(Family family) { return family == Family::inet ? "inet" : "bridge"; }

std::size_t size_of(Field field) {
  switch (field) {
    case Field::ifname:
      return kNameSize;
    case Field::ipv4_addr:
      return 4;
    case Field::ipv6_addr:
      return 16;
    case Field::ether_addr:
      return 6;
    case Field::inet_proto:
      return 1;
    case Field::inet_service:
      return 2;
    case Field::verdict:
      return kNameSize;  // as large as the kernel's struct nft_verdict
    case Field::nf_proto:
      return 1;
    case Field::icmp_id:
    case Field::icmpv6_id:
    case Field::ip_id:
    case Field::ra_lifetime:
      return 2;
    case Field::icmp_type:
    case Field::icmpv6_type:
      return 1;
    case Field::classid:
    case Field::frag_id:
      return 4;
    case Field::ipv6_prefix:
      return 8;
    case Field::nd_target:
      return 16;
    case Field::nd_mac:
      return 6;
  }
  return 0;
}

std::size_t size_of(const std::vector<Field>& fields) {
  if (fields.size() == 1) return size_of(fields.front());
  std::size_t size = 0;
  for (const Field field : fields) size += padded(size_of(field));
  return size;
}

std::string_view to_string(Field field) {
  switch (field) {
    case Field::ifname:
      return "ifname";
    case Field::ipv4_addr:
      return "ipv4_addr";
    case Field::ipv6_addr:
      return "ipv6_addr";
    case Field::ether_addr:
      return "ether_addr";
    case Field::inet_proto:
      return "inet_proto";
    case Field::inet_service:
      return "inet_service";
    case Field::verdict:
      return "verdict";
    case Field::nf_proto:
      return "nf_proto";
    case Field::icmp_id:
      return "icmp id";
    case Field::nd_target:
      return "@th,64,128";
    case Field::nd_mac:
      return "@th,208,48";
    case Field::ra_lifetime:
      return "@th,48,16";
    case Field::icmpv6_id:
      return "icmpv6 id";
    case Field::ip_id:
      return "ip id";
    case Field::frag_id:
      return "frag id";
    case Field::ipv6_prefix:
      return "@nh,64,64";
    case Field::classid:
      return "classid";
    case Field::icmp_type:
      return "icmp_type";
    case Field::icmpv6_type:
      return "icmpv6_type";
  }
  return "?";
}

std::string to_text(Field field, std::string_view bytes) {
  if (bytes.size() < size_of(field)) return "?";
  bytes = bytes.substr(0, size_of(field));
  switch (field) {
    case Field::ifname:
      return fmt::format("\"{}\"", bytes.substr(0, bytes.find('\0')));
    case Field::ipv4_addr:
    case Field::ipv6_addr:
    case Field::nd_target:
      return IpAddress::from_bytes(as_bytes(bytes))->to_string();
    case Field::ipv6_prefix: {
      std::string whole(bytes);
      whole.resize(16);
      return IpAddress::from_bytes(as_bytes(whole))->to_string() + "/64";
    }
    case Field::ether_addr:
    case Field::nd_mac: {
      Mac mac;
      std::memcpy(mac.bytes.data(), bytes.data(), mac.bytes.size());
      return mac.to_string();
    }
    case Field::inet_proto:
      return protocol_text(static_cast<std::uint8_t>(bytes[0]));
    case Field::nf_proto:
      return bytes[0] == 2 ? "ipv4" : "ipv6";
    case Field::icmp_type:
    case Field::icmpv6_type:
      return std::to_string(static_cast<std::uint8_t>(bytes[0]));
    case Field::classid:
    case Field::frag_id: {
      std::uint32_t number;
      std::memcpy(&number, bytes.data(), sizeof(number));
      if (field == Field::frag_id) return std::to_string(ntohl(number));
      return fmt::format("{:x}:{:x}", number >> 16, number & 0xffff);
    }
    case Field::icmp_id:
    case Field::icmpv6_id:
    case Field::ip_id:
    case Field::ra_lifetime:
    case Field::inet_service: {
      std::uint16_t port;
      std::memcpy(&port, bytes.data(), sizeof(port));
      return std::to_string(ntohs(port));
    }
    case Field::verdict:
      return fmt::format("jump {}", bytes.substr(0, bytes.find('\0')));
  }
  return "?";
}

std::string to_text(const std::vector<Field>& fields, std::string_view bytes) {
  std::string text;
  for (const Field field : fields) {
    if (!text.empty()) text += " . ";
    text += to_text(field, bytes);
    bytes.remove_prefix(std::min(bytes.size(), padded(size_of(field))));
  }
  return text;
}

Bytes& Bytes::ifname(std::string_view name) {
  const auto end = bytes_.size() + kNameSize;
  bytes_.append(name.substr(0, kNameSize));
  bytes_.resize(end);
  return *this;
}

Bytes& Bytes::address(const IpAddress& address) {
  const auto from = address.bytes();
  bytes_.append(from.begin(), from.end());
  return *this;
}

Bytes& Bytes::prefix(const IpAddress& address) {
  const auto from = address.bytes().first(8);
  bytes_.append(from.begin(), from.end());
  return *this;
}

Bytes& Bytes::mac(const Mac& mac) {
  bytes_.append(mac.bytes.begin(), mac.bytes.end());
  bytes_.append(2, '\0');
  return *this;
}

Bytes& Bytes::protocol(std::uint8_t ip_protocol) {
  bytes_ += static_cast<char>(ip_protocol);
  bytes_.append(3, '\0');
  return *this;
}

Bytes& Bytes::word(std::uint32_t number) {
  bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  return *this;
}

Bytes& Bytes::jump(std::string_view chain) { return ifname(chain); }

Bytes& Bytes::limit(std::uint64_t per_second, std::uint32_t burst) {
  bytes_.append(reinterpret_cast<const char*>(&per_second), sizeof(per_second));
  bytes_.append(reinterpret_cast<const char*>(&burst), sizeof(burst));
  return *this;
}

Limit limit_of(std::string_view bytes) {
  Limit limit;
  if (bytes.size() != sizeof(limit.rate) + sizeof(limit.burst)) return limit;
  std::memcpy(&limit.rate, bytes.data(), sizeof(limit.rate));
  std::memcpy(&limit.burst, bytes.data() + sizeof(limit.rate), sizeof(limit.burst));
  return limit;
}

Bytes& Bytes::port(std::uint16_t host_order) {
  bytes_ += static_cast<char>(host_order >> 8);
  bytes_ += static_cast<char>(host_order);
  bytes_.append(2, '\0');
  return *this;
}

}  // namespace novaplane::nft
