#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>

#include "tests/netns/etcd_host.h"

/// A cloud in a cluster of three real members, and what happens to clusters: nothing that was told
/// as done is lost, nothing is written twice, no host is emptied.
namespace novaplane::netns {
namespace {

using cloud::Kind;
using store::Hold;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kNetwork = R"({"cidr":"10.0.0.0/16","gateway":"10.0.0.1"})";

std::string port_json(unsigned number) {
  return fmt::format(
      R"({{"network":"blue","mac":"fa:16:3e:00:{0:02x}:{1:02x}","address":"10.0.{0}.{1}"}})",
      1 + number / 250, 1 + number % 250);
}

/// A member's data on a file system that is hardly larger, for this process and what it starts.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::function<void()>& stop, const std::function<void()>& start)
      : path_(std::move(path)) {
    namespace fs = std::filesystem;
    stop();
    fs::rename(path_, path_ + ".large");
    fs::create_directory(path_);
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("small", path_.c_str(), "tmpfs", 0, "size=160m") != 0) {
      throw std::system_error(errno, std::generic_category(), "mount");
    }
    fs::copy(path_ + ".large", path_, fs::copy_options::recursive);
    fs::remove_all(path_ + ".large");
    start();
  }
  SmallDisk(const SmallDisk&) = delete;
  ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
  void fill() const {
    std::ofstream filler(path_ + "/filler");
    while (filler << std::string(4096, 'x') << std::flush) {
    }
  }
  void make_room() const { std::filesystem::remove(path_ + "/filler"); }

 private:
  std::string path_;
};

class EtcdClusterTest : public testing::Test {
 protected:
  /// With a network, and a copy that has it.
  std::unique_ptr<EtcdHost> begin(std::size_t first = 0) {
    auto host = std::make_unique<EtcdHost>(cluster_.words(first));
    EXPECT_TRUE(host->follow_until([&] { return !host->follower.hold(); }))
        << host->follower.hold().words;
    EXPECT_EQ(store::test::told(host->put_at_last(Kind::network, "blue", kNetwork)), "done");
    return host;
  }
  /// One that follows.
  std::unique_ptr<EtcdHost> follow(std::size_t first, std::size_t members = 3) {
    auto host = std::make_unique<EtcdHost>(cluster_.words(first, members), 2);
    EXPECT_TRUE(host->follow_until([&] { return host->copy.objects() != 0; }))
        << host->follower.hold().words;
    return host;
  }
  void write_port(EtcdHost& host, unsigned number) {
    const auto outcome =
        host.put_at_last(Kind::port, fmt::format("p{}", number), port_json(number));
    EXPECT_EQ(store::test::told(outcome), "done");
    if (const auto* done = std::get_if<store::Done>(&outcome)) last_ = done->revision;
  }
  void expect_equal(EtcdHost& host, const EtcdHost& other) {
    EXPECT_TRUE(host.follow_to(other.copy.revision())) << host.follower.hold().words;
    EXPECT_EQ(host.copy.digest(), other.copy.digest());
    EXPECT_EQ(host.copy.change(), other.copy.change());
  }

  EtcdCluster cluster_;
  store::Revision last_ = 0;
};

/// One host writes ports, another one follows, both until told to end, in a thread each.
class Load {
 public:
  /// `first`: a number of ports that was not written before.
  Load(EtcdHost& writer, EtcdHost& reader, unsigned first = 1)
      : reader_(reader), before_(reader.changes.size()), first_(first) {
    writes_ = std::thread([this, &writer] {
      while (!ends_) write(writer);
    });
    follows_ = std::thread([this, &reader] {
      while (!ends_) {
        reader.follower.follow();
        reader.follower.wait(Clock::now() + 1s);
      }
    });
  }
  ~Load() { end(); }
  void end() {
    ends_ = true;
    if (writes_.joinable()) writes_.join();
    if (follows_.joinable()) follows_.join();
  }
  /// So many more, from now on: the cluster takes writes.
  bool goes_on() {
    const unsigned now = written_;
    return eventually([&] { return written_ > now + 20; });
  }
  std::chrono::milliseconds longest_write() const { return longest_write_.load(); }
  /// Each change has come to the reader, in order, once; nothing had to be loaded again.
  void expect_complete(const EtcdHost& writer) {
    end();
    ASSERT_TRUE(reader_.follow_to(writer.copy.revision())) << reader_.follower.hold().words;
    EXPECT_EQ(reader_.loads, 1u);
    EXPECT_EQ(reader_.changes.size() - before_, written_);
    EXPECT_EQ(reader_.copy.digest(), writer.copy.digest());
  }

 private:
  void write(EtcdHost& writer) {
    const auto begin = Clock::now();
    const unsigned number = first_ + written_;
    const auto outcome =
        writer.put_at_last(Kind::port, fmt::format("p{}", number % 100), port_json(number));
    EXPECT_EQ(store::test::told(outcome), "done");
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    longest_write_ = std::max(longest_write_.load(), took);
    ++written_;
  }

  EtcdHost& reader_;
  std::size_t before_;
  unsigned first_;
  std::atomic<bool> ends_{false};
  std::atomic<unsigned> written_{0};
  std::atomic<std::chrono::milliseconds> longest_write_{};
  std::thread writes_, follows_;
};

void print(const std::string& what, std::chrono::milliseconds gap) {
  std::cout << fmt::format("{}: longest time of a write {} ms\n", what, gap.count());
}

TEST_F(EtcdClusterTest, NothingIsLostWhenTheLeaderDies) {
  const auto writer = begin(), reader = follow(cluster_.leader());
  Load load(*writer, *reader);
  ASSERT_TRUE(load.goes_on());
  const std::size_t leader = cluster_.leader();
  cluster_[leader].server().kill();
  ASSERT_TRUE(load.goes_on());
  print("leader killed", load.longest_write());
  cluster_[leader].start();
  ASSERT_TRUE(load.goes_on());
  load.expect_complete(*writer);
}

TEST_F(EtcdClusterTest, NothingIsLostWhileAMemberIsFrozen) {
  const auto writer = begin();
  unsigned first = 1;
  for (const std::size_t frozen : {cluster_.leader(), cluster_.follower()}) {
    const auto reader = follow(frozen);
    Load load(*writer, *reader, first);
    first += 10'000;
    ASSERT_TRUE(load.goes_on());
    cluster_[frozen].server().signal(SIGSTOP);
    ASSERT_TRUE(load.goes_on());
    print("frozen", load.longest_write());
    load.expect_complete(*writer);
    cluster_[frozen].server().signal(SIGCONT);
  }
}

TEST_F(EtcdClusterTest, NothingIsLostWhileAMembersCableIsOut) {
  const auto writer = begin();
  const std::size_t away = cluster_.leader();
  const auto reader = follow(away);
  Load load(*writer, *reader);
  ASSERT_TRUE(load.goes_on());
  cluster_[away].unplug();
  ASSERT_TRUE(load.goes_on());
  print("cable out", load.longest_write());
  cluster_[away].plug();
  ASSERT_TRUE(load.goes_on());
  load.expect_complete(*writer);
}

/// A member dies of a full disk; the others go on, and it comes back when there is room.
TEST_F(EtcdClusterTest, AMemberWhoseDiskIsFullHoldsNobodyUp) {
  const auto writer = begin();
  const std::size_t full = cluster_.follower();
  auto& server = cluster_[full].server();
  const SmallDisk disk(
      server.data(), [&] { server.kill(); }, [&] { cluster_[full].start(); });
  const auto reader = follow(full, 1);
  disk.fill();
  const std::string large(100'000, 'x');  // of an argument of a program
  const auto write_large = [&] { cluster_[(full + 1) % 3].server().ctl("put /large " + large); };
  EXPECT_TRUE(eventually([&] { return write_large(), server.has_ended(); })) << server.log();
  for (unsigned i = 0; i < 10; ++i) write_port(*writer, i);
  EXPECT_TRUE(reader->follow_to_hold(Hold::Reason::away));
  disk.make_room();
  server.kill();
  cluster_[full].start();
  expect_equal(*reader, *writer);
}

/// Who knows that member alone notices that it is behind, whichever way the path is broken.
TEST_F(EtcdClusterTest, AMemberThatIsCutOffIsNoticedAndCaughtUpWith) {
  const auto writer = begin();
  unsigned next = 1;
  for (const std::string hook : {"input", "output"}) {
    SCOPED_TRACE(hook);
    const std::size_t cut = cluster_.follower();
    const auto reader = follow(cut, 1);
    cluster_[cut].drop_peers(hook);
    const auto begin = Clock::now();
    EXPECT_TRUE(reader->follow_to_hold(Hold::Reason::away));
    std::cout << fmt::format("cut off by {}: noticed after {} ms\n", hook,
                             (Clock::now() - begin) / 1ms);
    for (unsigned i = 0; i < 10; ++i) write_port(*writer, next++);
    cluster_[cut].heal();
    const auto healed = Clock::now();
    EXPECT_TRUE(reader->follow_to(last_)) << reader->follower.hold().words;
    std::cout << fmt::format("caught up {} ms after it was healed\n",
                             (Clock::now() - healed) / 1ms);
    expect_equal(*reader, *writer);
  }
}

TEST_F(EtcdClusterTest, AStoreThatWasWipedEmptiesNobody) {
  const auto host = begin();
  write_port(*host, 1);
  cluster_.kill_all();
  for (std::size_t i = 0; i < EtcdCluster::kMembers; ++i) cluster_[i].server().wipe();
  cluster_.start_all();
  EXPECT_TRUE(host->follow_to_hold(Hold::Reason::empty));
  EXPECT_EQ(host->copy.objects(), 2u);
  const auto outcome = host->put(Kind::port, "p2", port_json(2));
  EXPECT_TRUE(std::holds_alternative<store::Refused>(outcome)) << store::test::told(outcome);
  // Others may have filled it again by now.
  begin();
  EXPECT_TRUE(host->follow_to_hold(Hold::Reason::foreign));
  EXPECT_EQ(host->copy.objects(), 2u);
  host->follower.accept();
  EXPECT_TRUE(host->follow_until([&] { return host->copy.objects() == 1; }));
}

/// With all identities as they were, and more changes than before the fault.
TEST_F(EtcdClusterTest, AStoreThatWasRestoredIsNotFollowed) {
  const auto host = begin();
  const std::string saved = cluster_.folder() + "/saved";
  cluster_[0].server().ctl("snapshot save " + saved);
  for (unsigned i = 0; i < 3; ++i) write_port(*host, i);
  const std::string identity = host->copy.identity();
  const auto change = host->copy.change();
  cluster_.kill_all();
  for (std::size_t i = 0; i < EtcdCluster::kMembers; ++i) {
    auto& server = cluster_[i].server();
    server.wipe();
    const std::string said =
        server.ctl(fmt::format("snapshot restore {} --name {} --data-dir {} --initial-cluster {} "
                               "--initial-advertise-peer-urls http://{}:2380",
                               saved, EtcdCluster::name_of(i), server.data(),
                               EtcdCluster::initial_cluster(), EtcdCluster::address_of(i)));
    ASSERT_TRUE(std::filesystem::exists(server.data())) << said;
  }
  cluster_.start_all();
  EXPECT_TRUE(host->follow_to_hold(Hold::Reason::went_back)) << host->follower.hold().words;
  EtcdHost other(cluster_.words());
  for (unsigned i = 10; i < 20; ++i) write_port(other, i);
  EXPECT_GT(other.copy.revision(), host->copy.revision());
  EXPECT_EQ(other.copy.identity(), identity);
  EXPECT_TRUE(host->follow_to_hold(Hold::Reason::went_back)) << host->follower.hold().words;
  EXPECT_EQ(host->copy.change(), change);
  host->follower.accept();
  EXPECT_TRUE(host->follow_until([&] { return !host->follower.hold(); }));
  expect_equal(*host, other);
}

/// Hosts that write at once, with addresses that nobody has given them: each is given out once, and
/// what a host was told as done is what is there in the end.
class Writers {
 public:
  Writers(EtcdCluster& cluster, unsigned count, unsigned rounds) {
    std::vector<std::unique_ptr<EtcdHost>> hosts;
    for (unsigned i = 0; i < count; ++i) {
      hosts.push_back(std::make_unique<EtcdHost>(cluster.words(i), i + 1));
      hosts.back()->follow_until([&] { return hosts.back()->copy.objects() != 0; });
    }
    const auto begin = Clock::now();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i) {
      threads.emplace_back([this, &host = *hosts[i], i, rounds] { write(host, i, rounds); });
    }
    for (auto& thread : threads) thread.join();
    seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  double rate() const { return done_ / seconds_; }
  store::Revision last() const { return last_; }  ///< of all changes
  const std::map<std::string, std::string>& expected() const { return expected_; }

 private:
  void write(EtcdHost& host, unsigned number, unsigned rounds) {
    std::mt19937 random(number);
    for (unsigned round = 0; round < rounds; ++round) {
      const std::string name = fmt::format("w{}-{}", number, random() % 5);
      const unsigned wish = random() % 40;  // which is that of others, at times
      const bool removes = random() % 4 == 0;
      const auto outcome = host.put_at_last(Kind::port, name, removes ? "" : port_json(wish));
      if (std::holds_alternative<store::Invalid>(outcome)) continue;
      const auto* done = std::get_if<store::Done>(&outcome);
      EXPECT_TRUE(done) << store::test::told(outcome);
      const std::lock_guard lock(mutex_);
      if (done && done->written) ++done_;
      if (done) last_ = std::max(last_, done->revision);
      expected_[name] = removes ? "" : port_json(wish);
    }
  }

  std::mutex mutex_;
  std::map<std::string, std::string> expected_;
  double seconds_ = 0;
  unsigned done_ = 0;
  store::Revision last_ = 0;
};

TEST_F(EtcdClusterTest, WritersAtOnceLoseNothingAndGiveNothingTwice) {
  const auto reader = begin();
  const Writers writers(cluster_, 3, 60);
  EXPECT_TRUE(reader->follow_to(writers.last()));
  std::set<std::string> addresses;
  for (const auto& [name, json] : writers.expected()) {
    EXPECT_EQ(reader->copy.json_of({Kind::port, name}).value_or(""), json) << name;
    EXPECT_TRUE(json.empty() || addresses.insert(json).second) << json;
  }
  EXPECT_EQ(reader->copy.cloud().ports.size(), addresses.size());
}

TEST_F(EtcdClusterTest, EightWritersAtOnce) {
  const auto reader = begin();
  const Writers writers(cluster_, 8, 60);
  std::cout << fmt::format("8 writers: {:.0f} commits/s\n", writers.rate());
  EXPECT_TRUE(reader->follow_to(writers.last()));
  for (const auto& [name, json] : writers.expected()) {
    EXPECT_EQ(reader->copy.json_of({Kind::port, name}).value_or(""), json) << name;
  }
}

}  // namespace
}  // namespace novaplane::netns
