#pragma once

#include <optional>

#include "dataplane/cloud/cloud.h"

namespace novaplane::engine {

/// Where guests ask for metadata; every host answers its own.
inline const IpAddress kMetadataAddress = IpAddress::v4(0xa9fea9fe);  // 169.254.169.254

/// Where our proxy listens where the document asks for `headers`: out of reach of every wire, on a
/// port that no user but root may take (below 1024) and that IANA has given to nobody.
inline const cloud::SocketAddress kMetadataProxy{IpAddress::v4(0x7f6e706d),
                                                 254};  // 127.110.112.109

/// What the kernel makes of kMetadataAddress: our proxy, or the server itself.
inline std::optional<cloud::SocketAddress> metadata_listener(const cloud::Host& host) {
  if (!host.metadata) return std::nullopt;
  return host.metadata->headers ? kMetadataProxy : host.metadata->address;
}

}  // namespace novaplane::engine
