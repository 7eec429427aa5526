#include "tools/benchmark/bare_socket.h"

#include <sys/socket.h>

#include <cstring>

namespace novaplane::bench {

BareSocket::BareSocket(const Site& site, int bus) {
  const Site::Visit visit(site);
  socket_ = mnl_socket_open(bus);
  if (!socket_ || mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) < 0) give_up("open a socket");
}

BareSocket::~BareSocket() { mnl_socket_close(socket_); }

void BareSocket::send(const void* messages, std::size_t size) {
  if (mnl_socket_sendto(socket_, messages, size) < 0) give_up("a bare loop cannot send");
  const ssize_t length = mnl_socket_recvfrom(socket_, answer_.data(), answer_.size());
  const auto* answer = reinterpret_cast<const nlmsghdr*>(answer_.data());
  if (length <= 0 || answer->nlmsg_type != NLMSG_ERROR) give_up("a bare loop got no answer");
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer));
  if (error->error != 0) give_up(std::strerror(-error->error));
}

void BareSocket::send_large(std::span<const char> messages) {
  const int room = static_cast<int>(messages.size()) + 4096;
  setsockopt(mnl_socket_get_fd(socket_), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
  send(messages.data(), messages.size());
}

}  // namespace novaplane::bench
