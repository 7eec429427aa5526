#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace novaplane::tools {

/// A novaplaned that listens for TLS.
struct ServerAddress {
  std::string host;  ///< "compute1", "192.0.2.11", "2001:db8::11"
  std::string port;  ///< "8443", which is also the default

  /// "https://compute1:8443/", "compute1", "[2001:db8::11]:8443"; none: it is nothing of the kind,
  /// such as http://, which is not spoken.
  static std::optional<ServerAddress> parse(std::string_view text);
};

}  // namespace novaplane::tools
