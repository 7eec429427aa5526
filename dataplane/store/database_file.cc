#include "dataplane/store/database_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "dataplane/base/fd.h"
#include "dataplane/store/sqlite_tables.h"

namespace novaplane::store {

Answer<void> write_database(const std::string& path, const Snapshot& snapshot) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) {
    return tl::unexpected(
        Failure{Trouble::refused, fmt::format("{}: {}", path, std::strerror(errno))});
  }
  auto database = SqliteDatabase::open(path);
  if (!database) return tl::unexpected(std::move(database.error()));
  if (auto made = make_tables(**database, ""); !made) return made;
  auto transaction = SqliteTransaction::begin(**database, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  return put_whole(**database, snapshot).and_then([&] { return transaction->commit(); });
}

}  // namespace novaplane::store
