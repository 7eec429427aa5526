#include "dataplane/base/unix_address.h"

#include <algorithm>
#include <cstddef>

namespace novaplane {

std::optional<UnixAddress> unix_address(std::string_view path) {
  UnixAddress to;
  if (path.empty() || path.size() >= sizeof(to.address.sun_path)) return std::nullopt;
  to.address.sun_family = AF_UNIX;
  std::ranges::copy(path, to.address.sun_path);
  const bool is_abstract = path.front() == '@';
  if (is_abstract) to.address.sun_path[0] = '\0';
  // An abstract name is as long as it is told to be; a path ends with its zero.
  const std::size_t end = is_abstract ? path.size() : path.size() + 1;
  to.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + end);
  return to;
}

}  // namespace novaplane
