#include "tools/server_address.h"

#include <algorithm>

namespace novaplane::tools {

std::optional<ServerAddress> ServerAddress::parse(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  constexpr std::size_t kLongestPort = 5;
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  const bool in_brackets = text.starts_with('[');
  const auto end = in_brackets ? text.find(']') : text.find(':');
  if (in_brackets && end == std::string_view::npos) return std::nullopt;
  std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + in_brackets);
  const std::string_view host = text.substr(0, end).substr(in_brackets ? 1 : 0);
  if (host.empty() || host.find_first_of("/@?# ") != std::string_view::npos) return std::nullopt;
  if (rest.empty()) return ServerAddress{std::string(host), "8443"};
  if (!rest.starts_with(':')) return std::nullopt;
  rest.remove_prefix(1);
  const bool is_port = !rest.empty() && rest.size() <= kLongestPort &&
                       std::ranges::all_of(rest, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_port) return std::nullopt;
  return ServerAddress{std::string(host), std::string(rest)};
}

}  // namespace novaplane::tools
