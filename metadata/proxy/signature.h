#pragma once

#include <string>
#include <string_view>

namespace novaplane::metadata {

/// HMAC-SHA256 (RFC 2104, FIPS 180-4) of an instance's id in lower-case hexadecimal, as Nova's
/// metadata API expects it in X-Instance-ID-Signature (nova/api/metadata/handler.py).
std::string sign(std::string_view secret, std::string_view instance);

}  // namespace novaplane::metadata
