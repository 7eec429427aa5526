#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"
#include "dataplane/store/apply.h"
#include "dataplane/store/committer.h"
#include "dataplane/store/replica.h"
#include "dataplane/store/sqlite_store.h"
#include "tests/support/large_cloud.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// A cloud in a store: one edit of many objects, validated and committed, beside what SQLite takes
/// for the same rows; and what a host loads when it begins.
namespace novaplane::bench {
namespace {

using store::SqliteStore;

constexpr unsigned kPortsPerNetwork = 200;
constexpr int kIterations = 500;

template <class T>
T must(store::Answer<T> answer) {
  if (!answer) give_up(answer.error().words);
  if constexpr (!std::is_void_v<T>) return std::move(*answer);
}

class Folder {
 public:
  Folder() {
    // Beside the build: /tmp may be memory, which syncs for nothing.
    std::string path = std::filesystem::current_path() / "build/np-bench-XXXXXX";
    if (!::mkdtemp(path.data())) give_up("no folder for a database");
    path_ = path;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path(const char* name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

test::LargeCloud cloud_of(unsigned ports) {
  return {.networks = ports / kPortsPerNetwork + 1, .ports = ports, .floating_ips = 0};
}

std::unique_ptr<SqliteStore> open(const std::string& path) { return must(SqliteStore::open(path)); }

/// A host with a store of so many ports, and a table of the same size.
class Arena {
 public:
  explicit Arena(unsigned ports) : ports_(ports) {
    auto document = cloud::parse_document(cloud_of(ports).document(), "cloud.yaml");
    if (!document) give_up(document.error().front().message());
    commit([&](const store::Copy& copy) { return store::edits_to(copy, *document, false); });
    must(bare_->execute("BEGIN"));
    for (const store::Record& record : must(store_->load()).records) put(record);
    must(bare_->execute("COMMIT"));
  }

  unsigned ports() const { return ports_; }
  const std::string& path() const { return path_; }

  /// Another floating IP's port, from JSON to the copy.
  void commit_one(unsigned i) {
    commit([&](const store::Copy& copy) { return edits(copy.cloud(), i); });
  }
  void put_one(unsigned i) {
    must(bare_->execute("BEGIN IMMEDIATE"));
    put({{"floating_ips", "198.51.100.1"}, json(i), 0});
    put({{"changes", std::to_string(i)}, json(i), 0});
    must(bare_->execute("COMMIT"));
  }
  void check_one(unsigned i) {
    if (!copy_.foresee(edits(copy_.cloud(), i))) give_up("an edit is not valid");
  }
  void read_one(unsigned i) { benchmark::DoNotOptimize(edits(copy_.cloud(), i)); }

 private:
  static std::string json(unsigned i) { return fmt::format(R"({{"port":"port{}"}})", i % 1000); }

  std::vector<cloud::ObjectEdit> edits(const cloud::Cloud& cloud, unsigned i) const {
    cloud::Findings findings;
    const cloud::ObjectName name{cloud::Kind::floating_ip, "198.51.100.1"};
    auto read = cloud::read_json(cloud, name, json(i), findings);
    if (!read) give_up("an object cannot be read");
    return {{name, std::move(read->object)}};
  }
  template <class Edits>
  void commit(Edits&& edits) {
    const auto outcome = committer_.commit(
        [&](const store::Copy& copy) {
          return store::Proposal{edits(copy), {}};
        },
        "bench");
    if (!std::holds_alternative<store::Done>(outcome)) give_up("a commit fails");
  }
  void put(const store::Record& record) {
    const std::string key = to_string(record.key);
    put_.bind(1, key).bind(2, record.value);
    must(put_.run());
  }

  unsigned ports_;
  Folder folder_;
  std::string path_ = folder_.path("cloud.db");
  std::unique_ptr<SqliteStore> store_ = open(path_);
  store::Copy copy_;
  store::Follower follower_{*store_, copy_};
  store::Committer committer_{*store_, copy_, follower_};
  std::unique_ptr<store::SqliteDatabase> bare_ =
      must(store::SqliteDatabase::open(folder_.path("bare.db")));
  store::SqliteStatement put_ = prepare();

  store::SqliteStatement prepare() {
    must(
        bare_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID"));
    return bare_->prepare("INSERT INTO t VALUES (?1, ?2) ON CONFLICT DO UPDATE SET v = ?2");
  }
};

Arena& arena_of(unsigned ports) {
  static std::unique_ptr<Arena> arena;
  if (!arena || arena->ports() != ports) {
    arena.reset();
    arena = std::make_unique<Arena>(ports);
  }
  return *arena;
}

Line within(double milliseconds) {
  Line line;
  line.limit_ms = milliseconds;
  return line;
}

template <class Ours, class Floor>
void measure(benchmark::State& state, Line line, Ours&& ours, Floor&& floor) {
  unsigned i = 0;
  for (auto _ : state) {
    ++i;
    const auto time = time_of([&] { ours(i); });
    line.ours.add(time);
    line.floor.add(time_of([&] { floor(i); }));
    state.SetIterationTime(time.count() / 1e6);
  }
  put(state, line);
}

void load(unsigned ports) {
  const auto store = open(arena_of(ports).path());
  store::Copy copy;
  store::Follower follower(*store, copy);
  if (follower.follow()) give_up(follower.hold().words);
}

/// What a host has that boots while its store is away, and the same from a document.
class Kept {
 public:
  explicit Kept(unsigned ports) : document_(cloud_of(ports).document()) {
    must(must(store::Replica::open(path_))
             .replica->replace(must(open(arena_of(ports).path())->load())));
  }
  void begin() {
    auto opened = must(store::Replica::open(path_));
    store::Copy copy;
    store::Follower follower(*away_, copy);
    if (!opened.snapshot || !follower.begin(*opened.snapshot)) give_up("the replica is none");
  }
  void parse() const {
    if (!cloud::parse(document_, "cloud.yaml")) give_up("the document is none");
  }

 private:
  std::string document_;
  Folder folder_;
  std::string path_ = folder_.path("replica.db");
  std::unique_ptr<SqliteStore> away_ = open(folder_.path("away.db"));
};

}  // namespace

void add_store_benchmarks() {
  for (const unsigned ports : {1'000, 100'000}) {
    const auto row = [&](const std::string& title, int iterations, auto run) {
      add_row(fmt::format("{} ({} ports)", title, ports), run)
          ->Iterations(iterations)
          ->UseManualTime();
    };
    row("validate one edit, beside reading it", kIterations, [ports](auto& state) {
      Arena& arena = arena_of(ports);
      measure(
          state, {}, [&](unsigned i) { arena.check_one(i); },
          [&](unsigned i) { arena.read_one(i); });
    });
    row("commit one edit to SQLite", kIterations, [ports](auto& state) {
      Arena& arena = arena_of(ports);
      measure(
          state, within(3), [&](unsigned i) { arena.commit_one(i); },
          [&](unsigned i) { arena.put_one(i); });
    });
    row("load a copy from SQLite", 3, [ports](auto& state) {
      const std::string path = arena_of(ports).path();
      measure(
          state, within(2000), [&](unsigned) { load(ports); },
          [&](unsigned) { must(open(path)->load()); });
    });
    row("begin with the replica, beside the document", 3, [ports](auto& state) {
      Kept kept(ports);
      Line no_slower;
      no_slower.limit = 1;
      measure(
          state, no_slower, [&](unsigned) { kept.begin(); }, [&](unsigned) { kept.parse(); });
    });
  }
}

}  // namespace novaplane::bench
