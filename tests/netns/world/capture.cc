#include "tests/netns/world/capture.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cstring>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace novaplane::netns {
namespace {

/// tcpdump's compiler prints the number of instructions, then one per line.
std::vector<sock_filter> compile(const Namespace& where, const std::string& filter) {
  const auto compiled = where.run({"tcpdump", "-i", "lo", "-y", "EN10MB", "-ddd", filter});
  if (!compiled.ok()) throw std::runtime_error("tcpdump -ddd: " + compiled.text());
  std::istringstream text(compiled.out);
  std::size_t size = 0;
  text >> size;
  std::vector<sock_filter> program(size);
  for (auto& instruction : program) {
    unsigned code = 0, jt = 0, jf = 0, k = 0;
    text >> code >> jt >> jf >> k;
    instruction = {static_cast<__u16>(code), static_cast<__u8>(jt), static_cast<__u8>(jf), k};
  }
  return program;
}

void attach(int socket, std::vector<sock_filter> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    throw std::system_error(errno, std::generic_category(), "SO_ATTACH_FILTER");
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The frames as a capture file, which tcpdump reads.
std::string pcap(const std::vector<std::string>& frames) {
  std::string out;
  for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 1u}) put(out, word);
  for (const auto& frame : frames) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    for (const std::uint32_t word : {0u, 0u, size, size}) put(out, word);
    out += frame;
  }
  return out;
}

std::uint32_t sum16(const std::string& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<unsigned char>(bytes[i]) << (i % 2 ? 0 : 8);
  return sum;
}

}  // namespace

Capture::Capture(const Namespace& where, const std::string& link, const std::string& filter) {
  auto program = compile(where, filter);
  socket_ = where.inside([&] {
    Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // 0: nothing yet
    if (!fd) throw std::system_error(errno, std::generic_category(), "AF_PACKET");
    attach(fd.get(), std::move(program));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(link.c_str()));
    if (address.sll_ifindex == 0 && link != kAnyLink)
      throw std::runtime_error("capture: no link " + link);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::system_error(errno, std::generic_category(), "capture on " + link);
    return fd;
  });
}

const std::vector<std::string>& Capture::frames() {
  char buffer[65536];
  for (ssize_t got; (got = recv(socket_.get(), buffer, sizeof buffer, 0)) > 0;)
    frames_.emplace_back(buffer, static_cast<std::size_t>(got));
  return frames_;
}

std::size_t Capture::count() { return frames().size(); }

bool Capture::sees(std::size_t wanted, Duration deadline) {
  return eventually([&] { return count() >= wanted; }, deadline);
}

std::string Capture::text() {
  if (count() == 0) return {};
  return run({.argv = {"tcpdump", "-nnetr", "-"}, .input = pcap(frames_)}).out;
}

void Capture::forget() {
  frames();
  frames_.clear();
}

std::string passes_during(const Namespace& where, const std::string& link,
                          const std::string& filter, const std::function<void()>& act) {
  Capture capture(where, link, filter);
  act();
  return capture.text();
}

bool udp_checksum_is_valid(const std::string& frame) {
  const std::string packet = frame.substr(sizeof(ether_header));
  const std::size_t header = (packet[0] & 0x0fu) * 4u;
  const std::string datagram =
      packet.substr(header, ntohs(*reinterpret_cast<const std::uint16_t*>(&packet[header + 4])));
  if (datagram[6] == 0 && datagram[7] == 0) return true;  // RFC 768: none was made
  std::uint32_t sum = sum16(packet.substr(12, 8)) + 17 +
                      static_cast<std::uint32_t>(datagram.size()) + sum16(datagram);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

}  // namespace novaplane::netns
