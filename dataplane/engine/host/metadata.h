#pragma once

#include "dataplane/base/address.h"

namespace novaplane::engine {

/// Where guests ask for metadata; every host answers its own.
inline const IpAddress kMetadataAddress = IpAddress::v4(0xa9fea9fe);  // 169.254.169.254

}  // namespace novaplane::engine
