#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string_view>

namespace novaplane {

/// Where a Unix socket is, as bind(2) and connect(2) take it.
struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// A path; or "@name": the abstract namespace, which is one for each network namespace (unix(7)).
/// None: it is empty or too long.
std::optional<UnixAddress> unix_address(std::string_view path);

}  // namespace novaplane
