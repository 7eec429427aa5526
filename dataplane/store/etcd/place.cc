#include "dataplane/store/etcd/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace novaplane::store::etcd {
namespace {

tl::unexpected<Failure> refuse(std::string words) {
  return tl::unexpected(Failure{Trouble::refused, "etcd: " + std::move(words)});
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

/// "n1:2379", "[fd00::1]:2379"; an address of IPv6 has its colons in brackets only.
bool is_member(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !is_port(text.substr(colon + 1)))
    return false;
  const auto host = text.substr(0, colon);
  const bool has_brackets = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  constexpr std::string_view kNotInNames = "[]:/@ ";
  return has_brackets || host.find_first_of(kNotInNames) == std::string_view::npos;
}

Answer<void> add_member(Place& place, const std::string& url) {
  constexpr std::string_view kHttp = "http://", kHttps = "https://";
  const bool is_encrypted = url.starts_with(kHttps);
  if (!is_encrypted && !url.starts_with(kHttp)) {
    return refuse(fmt::format("\"{}\" is no URL of a member: https://HOST:2379", url));
  }
  std::string member = url.substr((is_encrypted ? kHttps : kHttp).size());
  if (member.ends_with('/')) member.pop_back();
  if (!is_member(member)) {
    return refuse(fmt::format("\"{}\" is no URL of a member: https://HOST:2379", url));
  }
  if (!place.members.empty() && place.is_encrypted != is_encrypted) {
    return refuse("some members have http, others https: all have the same");
  }
  if (std::ranges::find(place.members, member) != place.members.end()) {
    return refuse(fmt::format("{} is named twice", url));
  }
  place.is_encrypted = is_encrypted;
  place.members.push_back(std::move(member));
  return {};
}

Answer<void> set_option(Place& place, const std::string& option) {
  const std::map<std::string, std::string*> known = {{"cacert", &place.cacert},
                                                     {"cert", &place.cert},
                                                     {"key", &place.key},
                                                     {"prefix", &place.prefix}};
  const auto equals = std::min(option.find('='), option.size());
  const auto found = known.find(option.substr(0, equals));
  if (found == known.end()) {
    return refuse(
        fmt::format("\"{}\" is no option: cacert=FILE, cert=FILE, key=FILE, prefix=PATH", option));
  }
  if (equals + 1 >= option.size()) return refuse(found->first + " has no value");
  *found->second = option.substr(equals + 1);
  return {};
}

Answer<void> check(const Place& place) {
  if (place.cert.empty() != place.key.empty()) {
    return refuse("cert and key go together: the one without the other proves nothing");
  }
  const bool has_files = !place.cacert.empty() || !place.cert.empty();
  if (has_files && !place.is_encrypted) {
    return refuse("certificates are for https:// members; these have http://");
  }
  if (!place.prefix.starts_with('/') || place.prefix.ends_with('/')) {
    return refuse(
        fmt::format("prefix \"{}\" has to begin with / and not to end with it", place.prefix));
  }
  return {};
}

}  // namespace

std::string Place::url(std::size_t member) const {
  return (is_encrypted ? "https://" : "http://") + members[member];
}

std::string Place::text() const {
  std::string text;
  for (std::size_t i = 0; i < members.size(); ++i) text += (i ? "," : "") + url(i);
  return text;
}

Answer<Place> parse_place(const std::string& words) {
  Place place;
  const auto options_at = std::min(words.find('?'), words.size());
  for (const std::string& url : split(words.substr(0, options_at), ',')) {
    if (auto added = add_member(place, url); !added) return tl::unexpected(added.error());
  }
  if (options_at < words.size()) {
    for (const std::string& option : split(words.substr(options_at + 1), '&')) {
      if (auto set = set_option(place, option); !set) return tl::unexpected(set.error());
    }
  }
  if (auto checked = check(place); !checked) return tl::unexpected(checked.error());
  return place;
}

}  // namespace novaplane::store::etcd
