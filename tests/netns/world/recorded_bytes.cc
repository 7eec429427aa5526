#include "tests/netns/world/recorded_bytes.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <system_error>

#include <fmt/format.h>

namespace novaplane::netns {

Talker::Talker(int protocol) : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)) {
  const int bytes = 8 << 20, on = 1;
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  setsockopt(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

void Talker::list(std::uint16_t type, const Bytes& body,
                  const std::function<void(Bytes)>& take) const {
  send(message(type, NLM_F_REQUEST | NLM_F_DUMP, body));
  for (bool done = false; !done;) {
    done = answers([&](const nlmsghdr& answer) {
      if (answer.nlmsg_type == NLMSG_DONE || answer.nlmsg_type == NLMSG_ERROR) return true;
      take({static_cast<const char*>(NLMSG_DATA(&answer)), NLMSG_PAYLOAD(&answer, 0)});
      return false;
    });
  }
}

int Talker::ask(std::uint16_t type, int flags, const Bytes& body) const {
  send(message(type, NLM_F_REQUEST | NLM_F_ACK | flags, body));
  return verdict();
}

Bytes Talker::message(std::uint16_t type, int flags, const Bytes& body) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags);
  Bytes bytes = header_of(header) + body;
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  return bytes;
}

void Talker::send(const Bytes& bytes) const {
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0)
    throw std::system_error(errno, std::generic_category(), "netlink send");
}

int Talker::verdict() const {
  std::optional<int> code;
  while (!code)
    answers([&](const nlmsghdr& answer) {
      if (answer.nlmsg_type == NLMSG_ERROR && !code)
        code = -static_cast<const nlmsgerr*>(NLMSG_DATA(&answer))->error;
      return false;
    });
  return *code;
}

bool Talker::answers(const std::function<bool(const nlmsghdr&)>& take) const {
  alignas(nlmsghdr) char buffer[65536];
  const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got < 0) throw std::system_error(errno, std::generic_category(), "netlink receive");
  int left = static_cast<int>(got);
  bool done = false;
  for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(message, left);
       message = NLMSG_NEXT(message, left))
    done |= take(*message);
  return done;
}

std::vector<Attribute> attributes_of(const Bytes& body, std::size_t header) {
  std::vector<Attribute> found;
  for (std::size_t at = NLMSG_ALIGN(header); at + RTA_LENGTH(0) <= body.size();) {
    rtattr item;
    std::memcpy(&item, body.data() + at, sizeof item);
    found.push_back({item.rta_type, body.substr(at + RTA_LENGTH(0), item.rta_len - RTA_LENGTH(0))});
    at += RTA_ALIGN(item.rta_len);
  }
  return found;
}

const Bytes* find(const std::vector<Attribute>& attributes, std::uint16_t type) {
  const auto found = std::ranges::find(attributes, type, &Attribute::type);
  return found == attributes.end() ? nullptr : &found->value;
}

Bytes bytes_of(const Attribute& attribute) {
  const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(attribute.value.size())), attribute.type};
  Bytes bytes = header_of(head) + attribute.value;
  bytes.resize(RTA_ALIGN(bytes.size()));
  return bytes;
}

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const char byte : bytes)
    text += byte == 0 ? "." : fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return text;
}

std::string hex_of_link(const char* number) {
  unsigned index = 0;
  std::memcpy(&index, number, sizeof index);
  char name[IF_NAMESIZE];
  if (index == 0) return hex(Bytes(sizeof index, '\0'));
  if (!if_indextoname(index, name))
    throw std::runtime_error(fmt::format("link {} has no name", index));
  return fmt::format("<{}>", name);
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '.') {
      bytes.push_back('\0');
      ++at;
    } else if (text[at] == '<') {
      const std::size_t end = text.find('>', at);
      const std::string name = text.substr(at + 1, end - at - 1);
      const unsigned index = if_nametoindex(name.c_str());
      if (index == 0) throw std::runtime_error("no link " + name);
      bytes += header_of(index);
      at = end + 1;
    } else {
      bytes.push_back(static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16)));
      at += 2;
    }
  }
  return bytes;
}

}  // namespace novaplane::netns
