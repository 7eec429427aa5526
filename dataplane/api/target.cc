#include "dataplane/api/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "dataplane/base/printable.h"

namespace novaplane::api {
namespace {

std::optional<std::string> without_percents(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

/// Calls f with each part; false ends it.
template <class F>
bool split(std::string_view text, char separator, F&& f) {
  for (;;) {
    const auto end = text.find(separator);
    if (!f(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

OrProblem<Query> parse_query(std::string_view text) {
  Query query;
  std::string fault;
  split(text, '&', [&](std::string_view part) {
    if (part.empty()) return true;
    const auto equals = part.find('=');
    const bool has_value = equals != std::string_view::npos;
    const auto key = without_percents(part.substr(0, equals));
    const auto value = without_percents(has_value ? part.substr(equals + 1) : "");
    if (!key || !value) {
      fault = "a % of the query is not followed by two hexadecimal digits";
    } else if (!query.values.emplace(*key, *value).second) {
      fault = fmt::format("the query has {} twice", printable(*key));
    }
    return fault.empty();
  });
  if (!fault.empty()) return problem(400, fault);
  return query;
}

}  // namespace

OrProblem<Target> parse_target(std::string_view text) {
  const auto mark = text.find('?');
  const std::string_view path = text.substr(0, mark);
  if (!path.starts_with('/')) return problem(400, "the target does not begin with /");
  Target target;
  const bool is_good = split(path.substr(1), '/', [&](std::string_view part) {
    const auto name = without_percents(part);
    if (name) target.path.push_back(*name);
    return name.has_value();
  });
  if (!is_good) {
    return problem(400, "a % of the path is not followed by two hexadecimal digits");
  }
  if (mark == std::string_view::npos) return target;
  return parse_query(text.substr(mark + 1)).map([&](Query query) {
    target.query = std::move(query);
    return std::move(target);
  });
}

OrProblem<void> Query::allow(const std::vector<std::string>& keys) const {
  for (const auto& [key, value] : values) {
    if (std::ranges::find(keys, key) != keys.end()) continue;
    const std::string known = keys.empty() ? "this request has no query"
                                           : fmt::format("known: {}", fmt::join(keys, ", "));
    return problem(400, fmt::format("unknown query key {}; {}", printable(key), known));
  }
  return {};
}

OrProblem<bool> Query::flag(std::string_view key) const {
  const auto found = values.find(key);
  if (found == values.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return problem(400, fmt::format("{} must be true or false", key));
}

OrProblem<std::uint64_t> Query::number(std::string_view key, std::uint64_t absent,
                                       std::uint64_t least, std::uint64_t most) const {
  const auto found = values.find(key);
  if (found == values.end()) return absent;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most) {
    return value;
  }
  return problem(400, fmt::format("{} must be a number from {} to {}", key, least, most));
}

}  // namespace novaplane::api
