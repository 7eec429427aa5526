#pragma once

#include <string_view>

namespace novaplane::api {

/// The description of all requests as OpenAPI 3 (openapi.json).
std::string_view openapi();

}  // namespace novaplane::api
