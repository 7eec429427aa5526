#include "dataplane/store/etcd/keys.h"

#include <fmt/format.h>

#include <charconv>

namespace novaplane::store::etcd {

std::optional<Key> Keys::object_of(std::string_view key) const {
  if (!key.starts_with(guard_) || key.size() <= guard_.size() + 1) return std::nullopt;
  key.remove_prefix(guard_.size() + 1);
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return Key{std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

std::string Keys::history(Revision made_on) const {
  return fmt::format("{}{:020}", history(), made_on);
}

Revision Keys::made_on(std::string_view history_key) const {
  Revision revision = 0;
  const auto begin = history().size();
  if (history_key.size() <= begin) return revision;
  std::from_chars(history_key.data() + begin, history_key.data() + history_key.size(), revision);
  return revision;
}

}  // namespace novaplane::store::etcd
