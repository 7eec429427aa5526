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

/// The kernel gives a value in one read from the start, in a page at most.
Result<std::string> read_value(const Fd& fd, std::string_view path) {
  char text[4096];
  const ssize_t size = pread(fd.get(), text, sizeof(text), 0);
  if (size < 0) return failure(fmt::format("read /proc/sys/{}", path), errno);
  std::string value(text, static_cast<std::size_t>(size));
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

Result<void> write_value(const Fd& fd, std::string_view path, std::string_view value) {
  const ssize_t size = pwrite(fd.get(), value.data(), value.size(), 0);
  if (size == static_cast<ssize_t>(value.size())) return {};
  return failure(fmt::format("write {} to /proc/sys/{}", value, path), errno);
}

}  // namespace

Result<std::string> read_sysctl(std::string_view path) {
  return open_value(path, O_RDONLY).and_then([&](const Fd& fd) { return read_value(fd, path); });
}

Result<void> write_sysctl(std::string_view path, std::string_view value) {
  return open_value(path, O_WRONLY).and_then([&](const Fd& fd) {
    return write_value(fd, path, value);
  });
}

Result<Sysctl> Sysctl::open(std::string_view path) {
  return open_value(path, O_RDWR).map([&](Fd&& fd) { return Sysctl(path, std::move(fd)); });
}

Result<std::string> Sysctl::read() const { return read_value(file_, path_); }

Result<void> Sysctl::write(std::string_view value) const {
  return write_value(file_, path_, value);
}

}  // namespace novaplane::netlink
