#pragma once

#include <string>
#include <string_view>

namespace novaplane::cloud {

/// A name as one DNS label (RFC 1123): '_' and '.' become '-', none at either end; beyond 63
/// characters the first two and the last sixty, with a hyphen between. Empty: nothing is left.
std::string dns_label(std::string_view name);

}  // namespace novaplane::cloud
