#include "dataplane/netlink/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/fd.h"

namespace novaplane::netlink {
namespace {

/// The ioctl that every kernel and every link has; the netlink family for it came with 5.6.
Result<bool> ask(const std::string& link, std::uint32_t command, bool on) {
  const auto step = [&] { return fmt::format("transmit checksum of {}", link); };
  const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return failure(step(), errno);
  ethtool_value value{command, on};
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (ioctl(fd.get(), SIOCETHTOOL, &request) != 0) return failure(step(), errno);
  return value.data != 0;
}

}  // namespace

Result<bool> transmit_checksum(const std::string& link) {
  return ask(link, ETHTOOL_GTXCSUM, false);
}

Result<void> set_transmit_checksum(const std::string& link, bool on) {
  if (const auto done = ask(link, ETHTOOL_STXCSUM, on); !done) return tl::unexpected(done.error());
  return {};
}

}  // namespace novaplane::netlink
