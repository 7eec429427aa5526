#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/store/store.h"

struct sqlite3;
struct sqlite3_stmt;

/// SQLite as values: one connection, statements that are kept, errors as answers.
namespace novaplane::store {

/// A statement with its parameters, counted from 1, and its columns, counted from 0.
class SqliteStatement {
 public:
  SqliteStatement& bind(int index, std::int64_t value);
  SqliteStatement& bind(int index, std::string_view text);  ///< has to live until it is reset

  /// To the next row; false: there is none.
  Answer<bool> step();
  /// Where no row is expected.
  Answer<void> run();
  /// Ready to be run again.
  void reset();

  std::int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(class SqliteDatabase& database, const char* sql);
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  class SqliteDatabase& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteDatabase {
 public:
  enum class Mode : std::uint8_t { making, existing };
  /// Opens the file, or makes it (mode 0600) unless it has to be there. Nobody else's lock is
  /// waited for longer than a second.
  static Answer<std::unique_ptr<SqliteDatabase>> open(const std::string& path,
                                                      Mode mode = Mode::making);
  SqliteDatabase(const SqliteDatabase&) = delete;

  Answer<void> execute(const char* sql);
  SqliteStatement prepare(const char* sql) { return {*this, sql}; }
  /// A single integer, as of a PRAGMA.
  Answer<std::int64_t> integer(const char* sql);

  /// Why the last call has failed.
  Failure failure() const;
  tl::unexpected<Failure> fail() const { return tl::unexpected(failure()); }
  const std::string& path() const { return path_; }
  sqlite3* get() { return database_.get(); }

 private:
  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {}
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// BEGIN until commit(); taken back by its end otherwise.
class SqliteTransaction {
 public:
  enum class Kind : std::uint8_t { reading, writing };
  static Answer<SqliteTransaction> begin(SqliteDatabase& database, Kind kind);
  SqliteTransaction(SqliteTransaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  ~SqliteTransaction();

  Answer<void> commit();

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(&database) {}
  SqliteDatabase* database_;
};

}  // namespace novaplane::store
