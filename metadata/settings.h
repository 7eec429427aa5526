#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/error.h"
#include "dataplane/cloud/cloud.h"

/// The proxy's configuration file: a word and its value in each line.
namespace novaplane::metadata {

/// Whom the proxy becomes once its socket is bound and its secret read.
constexpr auto kProxyUser = "nobody";

struct Settings {
  cloud::SocketAddress listen;  ///< where guests' requests arrive
  cloud::SocketAddress server;  ///< who answers them
  std::string secret_file;      ///< empty: instances are not signed
  bool operator==(const Settings&) const = default;
};

std::string text_of(const Settings&);
/// Comments (#) are left out. EINVAL with the number of the line that says nothing known.
Result<Settings> settings_in(std::string_view text);

}  // namespace novaplane::metadata
