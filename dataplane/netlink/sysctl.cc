#include "dataplane/netlink/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "dataplane/base/fd.h"

namespace novaplane::netlink {
namespace {

Result<Fd> open_value(std::string_view path, int how) {
  const std::string file = fmt::format("/proc/sys/{}", path);
  Fd fd(open(file.c_str(), how | O_CLOEXEC));
  if (!fd) return failure(fmt::format("open {}", file), errno);
  return fd;
}

}  // namespace

Result<std::string> read_sysctl(std::string_view path) {
  const auto fd = open_value(path, O_RDONLY);
  if (!fd) return tl::unexpected(fd.error());
  char text[4096];  // the kernel gives a value in one read, in a page at most
  const ssize_t size = read(fd->get(), text, sizeof(text));
  if (size < 0) return failure(fmt::format("read /proc/sys/{}", path), errno);
  std::string value(text, static_cast<std::size_t>(size));
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

Result<void> write_sysctl(std::string_view path, std::string_view value) {
  const auto fd = open_value(path, O_WRONLY);
  if (!fd) return tl::unexpected(fd.error());
  if (write(fd->get(), value.data(), value.size()) == static_cast<ssize_t>(value.size())) return {};
  return failure(fmt::format("write {} to /proc/sys/{}", value, path), errno);
}

}  // namespace novaplane::netlink
