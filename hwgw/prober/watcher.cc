#include "hwgw/prober/watcher.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "dataplane/base/exception.h"
#include "dataplane/base/fd.h"
#include "dataplane/netlink/monitor.h"
#include "dataplane/netlink/socket.h"
#include "hwgw/prober/watched.h"

namespace novaplane::hwgw {
namespace {

constexpr std::uint64_t kTasks = 0, kLinks = 1;  // what epoll tells; others are targets' numbers
constexpr std::size_t kLinkEvents = 4 << 20;     // bytes

/// Intervals of routers are so much longer, per mille, that all together keep the cap.
std::uint64_t stretch_of(const std::vector<Target>& targets) {
  std::uint64_t probes = 0;  // per second
  for (const Target& target : targets) {
    if (target.health.burst > 0 || target.health.interval.count() == 0) continue;
    probes += 1000 / static_cast<std::uint64_t>(target.health.interval.count());
  }
  return std::max<std::uint64_t>(1000, probes * 1000 / Watcher::kMostProbes);
}

/// What throws ends alone: the thread has other targets to watch, and traffic that it switches. It
/// is nobody's result, so the one who can read of it is the operator.
template <class Task>
bool survives(const char* name, Task&& task) {
  try {
    task();
    return true;
  } catch (...) {
    const Error error = error_of_exception(name);
    std::fprintf(stderr, "<3>a task ended by an exception: %s\n", error.message().c_str());
    return false;
  }
}

timespec as_timespec(Clock::duration left) {
  using namespace std::chrono;
  const auto whole = std::max(duration_cast<nanoseconds>(left), nanoseconds(0));
  return {static_cast<time_t>(whole.count() / 1'000'000'000), whole.count() % 1'000'000'000};
}

}  // namespace

/// What the thread owns, but for the tasks, which anybody may add.
class Watcher::Thread {
 public:
  explicit Thread(Report report) : report_(std::move(report)) {}
  ~Thread();

  Result<void> start();
  void post(std::function<void()> task);

  // On the thread itself.
  void watch(const std::vector<Target>& targets);
  std::vector<TargetStatus> statuses();

 private:
  using Number = std::uint64_t;
  struct Entry {
    explicit Entry(Watched watched) : watched(std::move(watched)) {}
    Watched watched;
    std::optional<Clock::time_point> timer;
    int polled = -1;
  };

  void run();
  void wait();
  void run_tasks();
  void process_link_events();
  void look_at_link(Number number, Entry& entry);
  void on_link(Number number, Entry& entry, const netlink::Link* link);
  void settle(Number number, Entry& entry);
  void poll(Number number, Entry& entry, bool has_other_socket);
  void run_timers();
  void try_later(Number number, Entry& entry, Clock::time_point now);

  Report report_;
  Fd epoll_, wake_;
  std::optional<netlink::Monitor> links_;
  std::optional<netlink::Socket> lister_;
  std::map<Number, Entry> entries_;
  std::set<std::pair<Clock::time_point, Number>> timers_;
  Number next_number_ = kLinks + 1;

  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

Watcher::Thread::~Thread() {
  if (!thread_.joinable()) return;
  post([this] { ends_ = true; });
  thread_.join();
}

Result<void> Watcher::Thread::start() {
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wake_) return failure("watch uplinks", errno);
  auto links = netlink::Monitor::of_links(kLinkEvents);
  if (!links) return tl::unexpected(links.error());
  auto lister = netlink::Socket::open();
  if (!lister) return tl::unexpected(lister.error());
  links_ = std::move(*links);
  lister_ = std::move(*lister);
  for (const auto& [fd, what] : {std::pair{wake_.get(), kTasks}, {links_->fd(), kLinks}}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = what;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return failure("watch uplinks", errno);
    }
  }
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "np-watcher");
  return {};
}

void Watcher::Thread::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof(one));
}

// --- the thread

void Watcher::Thread::run() {
  while (!ends_) {
    wait();
    run_timers();
  }
}

/// What has arrived comes before what is late: an answer that waits in its socket counts, however
/// long this thread did not run.
void Watcher::Thread::wait() {
  epoll_event events[64];
  timespec left{};
  if (!timers_.empty()) left = as_timespec(timers_.begin()->first - Clock::now());
  const int count = ::epoll_pwait2(epoll_.get(), events, std::size(events),
                                   timers_.empty() ? nullptr : &left, nullptr);
  bool links = false, tasks = false;
  for (int i = 0; i < count; ++i) {
    const Number number = events[i].data.u64;
    links |= number == kLinks;
    tasks |= number == kTasks;
    const auto entry = entries_.find(number);
    if (entry == entries_.end()) continue;
    survives("receive an answer to a probe", [&] {
      entry->second.watched.process_events(Clock::now());
      settle(number, entry->second);
    });
  }
  if (links) survives("process link events", [this] { process_link_events(); });
  if (tasks) run_tasks();
}

void Watcher::Thread::run_tasks() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof(count));
  std::deque<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) survives("watch uplinks and routers", task);
}

void Watcher::Thread::run_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Number number = timers_.begin()->second;
    Entry& entry = entries_.find(number)->second;
    const bool is_done = survives("send a probe", [&] {
      entry.watched.due(now);
      settle(number, entry);
    });
    if (!is_done) try_later(number, entry, now);
  }
}

/// Its timer is due still.
void Watcher::Thread::try_later(Number number, Entry& entry, Clock::time_point now) {
  constexpr std::chrono::seconds kPause{1};
  std::erase_if(timers_, [&](const auto& timer) { return timer.second == number; });
  entry.timer = now + kPause;
  timers_.emplace(*entry.timer, number);
}

// --- links

/// Carrier events of a veth come at once, of others up to a second late (net/core/link_watch.c).
void Watcher::Thread::process_link_events() {
  const auto whole = links_->drain([this](netlink::Observation&& told) {
    const auto* seen = std::get_if<netlink::Seen<netlink::Link>>(&told);
    const auto* gone = std::get_if<netlink::Gone<netlink::Link>>(&told);
    for (auto& [number, entry] : entries_) {
      const Target& target = entry.watched.target();
      if (seen && seen->value.name == target.interface) {
        on_link(number, entry, &seen->value);
      } else if (seen && seen->value.index == entry.watched.link()) {
        on_link(number, entry, nullptr);  // it has another name now
      } else if (gone && gone->value.index == entry.watched.link()) {
        on_link(number, entry, nullptr);
      }
    }
  });
  if (whole && *whole) return;
  for (auto& [number, entry] : entries_) look_at_link(number, entry);
}

void Watcher::Thread::look_at_link(Number number, Entry& entry) {
  const auto index = lister_->index_of(entry.watched.target().interface);
  const auto link = index ? lister_->link(*index) : tl::unexpected(index.error());
  on_link(number, entry, link ? &*link : nullptr);
}

void Watcher::Thread::on_link(Number number, Entry& entry, const netlink::Link* link) {
  const bool reopened = entry.watched.on_link(link, Clock::now());
  poll(number, entry, reopened);
  settle(number, entry);
}

void Watcher::Thread::poll(Number number, Entry& entry, bool has_other_socket) {
  if (!has_other_socket) return;
  // One that was closed has left by itself.
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  entry.polled = entry.watched.fd();
  if (entry.polled >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, entry.polled, &event);
}

/// After anything that happened to a target: its timer, and what is to be told.
void Watcher::Thread::settle(Number number, Entry& entry) {
  const auto next = entry.watched.health().next();
  if (next != entry.timer) {
    if (entry.timer) timers_.erase({*entry.timer, number});
    if (next) timers_.emplace(*next, number);
    entry.timer = next;
  }
  if (const auto news = entry.watched.take_news()) report_(*news);
}

// --- targets

void Watcher::Thread::watch(const std::vector<Target>& targets) {
  const auto stretch = stretch_of(targets);
  std::map<Number, Entry> before = std::exchange(entries_, {});
  for (const Target& target : targets) {
    const auto old = std::find_if(before.begin(), before.end(), [&](const auto& entry) {
      return entry.second.watched.target().name == target.name;
    });
    Target known = target;
    if (old != before.end()) known.believed = old->second.watched.target().believed;
    Number number = next_number_;
    if (old != before.end() && old->second.watched.target() == known) {
      number = old->first;
      entries_.insert(before.extract(old));
    } else {
      ++next_number_;
      const Health state =
          old != before.end() ? old->second.watched.health().state() : target.believed;
      const auto added =
          entries_.emplace(number, Entry(Watched(target, state, Clock::now()))).first;
      if (old != before.end()) added->second.watched.inherit(old->second.watched);
      look_at_link(number, added->second);
    }
    if (target.health.burst > 0) continue;
    entries_.find(number)->second.watched.health().set_least_interval(target.health.interval *
                                                                      stretch / 1000);
  }
  for (const auto& [number, entry] : before) {
    if (entry.timer) timers_.erase({*entry.timer, number});
  }
}

std::vector<TargetStatus> Watcher::Thread::statuses() {
  std::vector<TargetStatus> all;
  for (const auto& [number, entry] : entries_) all.push_back(entry.watched.status());
  return all;
}

// --- from outside

Watcher::Watcher(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
Watcher::~Watcher() = default;

Result<std::unique_ptr<Watcher>> Watcher::start(Report report) {
  auto thread = std::make_unique<Thread>(std::move(report));
  if (auto started = thread->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<Watcher>(new Watcher(std::move(thread)));
}

void Watcher::post(std::function<void()> task) { thread_->post(std::move(task)); }

void Watcher::watch(std::vector<Target> targets) {
  thread_->post([thread = thread_.get(), targets = std::move(targets)] { thread->watch(targets); });
}

std::vector<TargetStatus> Watcher::statuses() {
  std::promise<std::vector<TargetStatus>> promise;
  auto answer = promise.get_future();
  thread_->post([thread = thread_.get(), &promise] {
    try {
      promise.set_value(thread->statuses());
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  });
  return answer.get();
}

}  // namespace novaplane::hwgw
