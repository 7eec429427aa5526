#include "dataplane/store/sqlite_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dataplane/base/fd.h"

/// The only file that knows SQLite's functions.
namespace novaplane::store {
namespace {

Trouble trouble_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      return Trouble::unavailable;
    case SQLITE_FULL:
      return Trouble::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Trouble::refused;
    default:
      return Trouble::broken;
  }
}

/// SQLite would make it readable for all; its other files get the mode of this one. One that is
/// there is not opened: to close it would give up the locks that this process has there.
bool is_there(const std::string& path, SqliteDatabase::Mode mode) {
  if (::access(path.c_str(), F_OK) == 0) return true;
  if (mode == SqliteDatabase::Mode::existing) return false;
  return Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)).get() >= 0;
}

}  // namespace

// --- statements

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

/// One that cannot be prepared is null; SQLite's calls then answer with SQLITE_MISUSE, and the
/// database knows why.
SqliteStatement::SqliteStatement(SqliteDatabase& database, const char* sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(database.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
}

SqliteStatement& SqliteStatement::bind(int index, std::int64_t value) {
  if (statement_) sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int index, std::string_view text) {
  if (!statement_) return *this;
  sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Answer<bool> SqliteStatement::step() {
  if (!statement_) return database_.fail();
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_.fail();
}

Answer<void> SqliteStatement::run() {
  auto row = step();
  auto failed = row ? std::nullopt : std::optional(std::move(row.error()));
  reset();
  if (failed) return tl::unexpected(std::move(*failed));
  return {};
}

void SqliteStatement::reset() {
  if (statement_) sqlite3_reset(statement_.get());
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string SqliteStatement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

// --- the database

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Answer<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::string& path, Mode mode) {
  constexpr int kPatienceMs = 1000;
  if (!is_there(path, mode)) {
    const Trouble trouble = errno == EACCES ? Trouble::refused : Trouble::unavailable;
    return tl::unexpected(Failure{trouble, fmt::format("{}: {}", path, std::strerror(errno))});
  }
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path));
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  database->database_.reset(handle);
  if (code != SQLITE_OK) return database->fail();
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kPatienceMs);
  return database;
}

Failure SqliteDatabase::failure() const {
  sqlite3* database = database_.get();
  return {trouble_of(sqlite3_errcode(database)),
          fmt::format("{}: {}", path_, sqlite3_errmsg(database))};
}

Answer<void> SqliteDatabase::execute(const char* sql) {
  if (sqlite3_exec(get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail();
  return {};
}

Answer<std::int64_t> SqliteDatabase::integer(const char* sql) {
  SqliteStatement statement = prepare(sql);
  return statement.step().map([&](bool has_row) { return has_row ? statement.integer(0) : 0; });
}

// --- transactions

Answer<SqliteTransaction> SqliteTransaction::begin(SqliteDatabase& database, Kind kind) {
  const auto begun = database.execute(kind == Kind::writing ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!begun) return tl::unexpected(begun.error());
  return SqliteTransaction(database);
}

SqliteTransaction::~SqliteTransaction() {
  if (database_ && !sqlite3_get_autocommit(database_->get())) {
    [[maybe_unused]] const auto ignored = database_->execute("ROLLBACK");
  }
}

Answer<void> SqliteTransaction::commit() { return database_->execute("COMMIT"); }

}  // namespace novaplane::store
