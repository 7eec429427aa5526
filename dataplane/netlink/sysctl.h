#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::netlink {

/// Values below /proc/sys, by path: "net/ipv4/ip_forward", "net/ipv6/conf/br-blue/disable_ipv6".
/// Those below net/ are the ones of the calling thread's network namespace. Errors name the path.
Result<std::string> read_sysctl(std::string_view path);  ///< without the line's end
Result<void> write_sysctl(std::string_view path, std::string_view value);

/// A value that is read first and perhaps written then: looking for its path costs as much as both.
class Sysctl {
 public:
  static Result<Sysctl> open(std::string_view path);
  Result<std::string> read() const;
  Result<void> write(std::string_view value) const;

 private:
  Sysctl(std::string_view path, Fd file) : path_(path), file_(std::move(file)) {}

  std::string path_;
  Fd file_;
};

}  // namespace novaplane::netlink
