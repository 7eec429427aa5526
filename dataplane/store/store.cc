#include "dataplane/store/store.h"

#include <fmt/format.h>

#include "dataplane/store/file_store.h"
#include "dataplane/store/module.h"
#include "dataplane/store/sqlite_store.h"

namespace novaplane::store {

std::string to_string(const Key& key) { return key.kind + '/' + key.name; }

bool Limits::allow(const Change& change) const {
  std::size_t size = 0;
  for (const auto& [key, value] : change.writes) {
    size += key.kind.size() + key.name.size() + (value ? value->size() : 0);
  }
  return change.writes.size() <= writes && size <= bytes;
}

std::string_view to_string(Trouble trouble) {
  switch (trouble) {
    case Trouble::unavailable:
      return "unavailable";
    case Trouble::compacted:
      return "compacted";
    case Trouble::went_back:
      return "went-back";
    case Trouble::read_only:
      return "read-only";
    case Trouble::full:
      return "full";
    case Trouble::refused:
      return "refused";
    case Trouble::broken:
      return "broken";
  }
  return "";
}

Answer<std::unique_ptr<Store>> open_store(const std::string& words) {
  constexpr std::string_view kSqlite = "sqlite:", kFile = "file:", kEtcd = "etcd:";
  if (words.starts_with(kSqlite) && words != kSqlite) {
    return SqliteStore::open(words.substr(kSqlite.size()));
  }
  if (words.starts_with(kEtcd)) {
    return open_by_module("novaplane-etcd.so", "novaplane-etcd", words.substr(kEtcd.size()));
  }
  const bool has_scheme = words.starts_with(kFile);
  std::string path = words.substr(has_scheme ? kFile.size() : 0);
  if (path.empty() ||
      (!has_scheme && path.find('/') == std::string::npos && path.find(':') != std::string::npos)) {
    return tl::unexpected(
        Failure{Trouble::refused,
                fmt::format("\"{}\" names no store: etcd:URL, sqlite:PATH or file:PATH", words)});
  }
  return std::make_unique<FileStore>(std::move(path));
}

}  // namespace novaplane::store
