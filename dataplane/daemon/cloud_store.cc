#include "dataplane/daemon/cloud_store.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>

#include "dataplane/base/exception.h"
#include "dataplane/daemon/log.h"

namespace novaplane::daemon {
namespace {

using store::Clock;

constexpr std::chrono::seconds kPatience{2};  ///< with a store, when the host has a replica
constexpr std::chrono::seconds kNewsWithin{
    20};  ///< then those who wait are told that there are none
constexpr std::size_t kMostWaiting = 64, kMostNews = 1000;

/// Each once; a whole cloud may come at once.
template <class T>
void add(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
  std::ranges::sort(all);
  const auto twice = std::ranges::unique(all);
  all.erase(twice.begin(), twice.end());
}

/// How a cloud differs from that before the first changes, after further ones.
void add(cloud::Changes& all, const cloud::Changes& more) {
  add(all.hosts, more.hosts);
  add(all.networks, more.networks);
  add(all.ports, more.ports);
  add(all.port_forwards, more.port_forwards);
  add(all.security_groups, more.security_groups);
  add(all.floating_ips, more.floating_ips);
  all.ranges |= more.ranges;
  all.order |= more.order;
}

}  // namespace

Result<std::unique_ptr<CloudStore>> CloudStore::open(Loop& loop, const Settings& settings,
                                                     Listener listener) {
  auto store = store::open_store(settings.store);
  if (!store) return failure("open the store " + settings.store, store.error().words);
  return std::unique_ptr<CloudStore>(
      new CloudStore(loop, std::move(*store), settings, std::move(listener)));
}

CloudStore::CloudStore(Loop& loop, std::unique_ptr<store::Store> store, const Settings& settings,
                       Listener listener)
    : loop_(loop),
      host_(settings.host),
      listener_(std::move(listener)),
      store_(std::move(store)),
      follower_(*store_, copy_, [this](const store::Followed& followed) { note(followed); }),
      committer_(*store_, copy_, follower_),
      api_(*store_, copy_, follower_, committer_),
      reporter_(*store_, host_, NOVAPLANE_VERSION),
      patience_(loop, "take what was kept") {
  if (settings.replica.empty()) return;
  replica_ = std::make_unique<ReplicaKeeper>(settings.replica, [this](const std::string& words) {
    loop_.post_surely("tell of the replica", [words] { log::warning("{}", words); });
  });
}

CloudStore::~CloudStore() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  store_->interrupt();
  if (thread_.joinable()) thread_.join();
}

void CloudStore::start() {
  thread_ = std::thread([this] { work(); });
}

// --- by any thread

void CloudStore::add_task(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  store_->interrupt();
}

void CloudStore::ask(api::Request request, Client<api::Reply> client) {
  add_task([this, request = std::move(request), client = std::move(client)] {
    if (!client.is_awaited()) return;
    client.give(api_.handle(request, situation()));
  });
}

void CloudStore::await_news(api::WatchRequest watch, bool waits, Client<News> client) {
  add_task([this, watch, waits, client = std::move(client)]() mutable {
    std::erase_if(waiting_, [](const Waiting& one) { return !one.client.is_awaited(); });
    if (!client.is_awaited()) return;
    const auto after = api_.begin_watch(watch);
    if (!after) return client.give(News{{}, 0, after.error()});
    if (waiting_.size() >= kMostWaiting) waiting_.erase(waiting_.begin());
    const auto until = waits ? Clock::now() + kNewsWithin : Clock::time_point::min();
    waiting_.push_back({*after, until, std::move(client)});
  });
}

void CloudStore::complete_move(const std::string& port, const std::string& host) {
  add_task([this, port, host] { commit_move(port, host); });
}

void CloudStore::taken() {
  is_taken_ = true;
  store_->interrupt();
}

void CloudStore::applied(store::Revision revision, const PassRequests::Failures& failures) {
  std::vector<store::HostReport::Failure> first;
  const auto count = std::min(failures.size(), store::HostReport::kMostFailures);
  for (std::size_t i = 0; i < count; ++i) first.push_back({failures[i].object, failures[i].reason});
  if (reporter_.note(revision, failures.size(), std::move(first))) store_->interrupt();
}

// --- the thread

api::Situation CloudStore::situation() const {
  api::Situation situation{host_, NOVAPLANE_VERSION, reporter_.applied(), objection()};
  if (replica_) {
    auto [path, revision, trouble] = replica_->state();
    situation.kept = {std::move(path), revision, std::move(trouble)};
  }
  return situation;
}

void CloudStore::work() {
  ::pthread_setname_np(::pthread_self(), "np-store");
  if (replica_) perform([this] { begin_with_replica(); });
  for (;;) {
    perform([this] { follow(); });
    perform([this] { end_offer(); });
    std::deque<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      if (ends_) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) perform(task);
    perform([this] { hand_over(); });
    perform([this] { tell_those_who_wait(); });
    perform([this] { keep_replica(); });
    perform([this] { reporter_.report(copy_, follower_.hold()); });
    if (tasks.empty()) follower_.wait(next_look());
  }
}

/// The store is asked first, so that no old cloud is announced; but guests do not wait for one that
/// does not answer.
void CloudStore::begin_with_replica() {
  replica_->begin(follower_);
  if (!copy_.cloud().hosts.contains(host_)) return;
  offered_ = std::make_shared<const cloud::Cloud>(copy_.cloud());
  since_then_ = {};
  differs_ = false;
  is_offered_ = true;
  const auto take = [this, kept = offered_, revision = copy_.revision()] {
    if (is_offered_.exchange(false)) pass_on({nullptr, kept, {}}, revision);
  };
  loop_.post_surely("offer what was kept", [this, take] { patience_.after(kPatience, take); });
}

void CloudStore::end_offer() {
  if (!offered_) return;
  const bool is_open = is_offered_.exchange(false);
  if (is_open) differs_ = true;  // all of it is new
  if (!is_open) handed_over_ = offered_;
  offered_ = nullptr;
}

/// At a store that tells nothing by itself, and at what is to be told to it.
Clock::time_point CloudStore::next_look() const {
  constexpr std::chrono::seconds kLookAgain{5};
  return std::min(Clock::now() + kLookAgain, reporter_.due());
}

/// What throws ends alone; who has asked for it hears that it was given up.
void CloudStore::perform(const std::function<void()>& task) {
  try {
    task();
  } catch (...) {
    const std::string words = error_of_exception("follow the store").message();
    loop_.post_surely("report an error", [words] { log::error("{}", words); });
  }
}

void CloudStore::follow() {
  follower_.follow();
  revision_ = copy_.revision();
  std::string words = trouble();
  if (words == told_trouble_) return;
  told_trouble_ = words;
  loop_.post_surely("the store's trouble", [this, words] { listener_.on_trouble(words); });
}

std::string CloudStore::trouble() const {
  const store::Hold& hold = follower_.hold();
  return hold ? hold.words : objection();
}

/// A cloud that does not name this host would take its network away.
std::string CloudStore::objection() const {
  if (copy_.cloud().hosts.contains(host_)) return {};
  return fmt::format("the store has no host {}: create it (novaplane create host {})", host_,
                     host_);
}

void CloudStore::note(const store::Followed& followed) {
  add(since_then_, followed.changes);
  differs_ = true;
  if (replica_) replica_->note(followed);
}

/// The loop takes one version after the other; what comes meanwhile goes together.
void CloudStore::hand_over() {
  if (is_lost_.exchange(false)) {
    handed_over_ = nullptr;
    since_then_ = {};
    differs_ = is_taken_ = true;
  }
  if (!differs_ || !is_taken_ || !copy_.cloud().hosts.contains(host_)) return;
  const auto after = std::make_shared<const cloud::Cloud>(copy_.cloud());
  const auto edit = std::make_shared<cloud::Edit>(cloud::Edit{handed_over_, after, {}});
  std::swap(edit->changes, since_then_);
  handed_over_ = after;
  differs_ = is_taken_ = false;
  give(edit, copy_.revision());
}

void CloudStore::give(const std::shared_ptr<cloud::Edit>& edit, store::Revision revision) {
  loop_.post_surely("take the cloud",
                    [this, edit, revision] { pass_on(std::move(*edit), revision); });
}

/// What the loop could not take, where memory is short, is handed over again as a whole.
void CloudStore::pass_on(cloud::Edit edit, store::Revision revision) {
  try {
    listener_.on_cloud(std::move(edit), revision);
  } catch (...) {
    is_lost_ = true;
    throw;
  }
}

/// After the kernel has been told: the disk may be slow.
void CloudStore::keep_replica() {
  if (!replica_) return;
  replica_->write();
  if (!replica_->needs_whole() || follower_.hold()) return;
  auto whole = store_->load();
  if (!whole || whole->revision != copy_.revision() || whole->digest != copy_.digest()) return;
  replica_->replace(std::make_shared<const store::Snapshot>(std::move(*whole)));
}

namespace {

/// None: it does not migrate there any more.
std::optional<cloud::ObjectEdit> arrival(const cloud::Cloud& cloud, const std::string& name,
                                         const std::string& host) {
  const auto found = cloud.ports.find(name);
  if (found == cloud.ports.end()) return std::nullopt;
  const auto& target = found->second.migrating_to;
  if (!target || *target != host) return std::nullopt;
  cloud::Port port = found->second;
  port.host = host;
  port.migrating_to = std::nullopt;
  return cloud::ObjectEdit{{cloud::Kind::port, name}, std::move(port)};
}

/// Empty: it is written, or does not have to be.
std::string refusal_in(const store::Outcome& outcome) {
  if (const auto* refused = std::get_if<store::Refused>(&outcome)) return refused->words;
  if (const auto* unknown = std::get_if<store::Unknown>(&outcome)) return unknown->words;
  if (std::holds_alternative<store::Crowded>(outcome)) return "others were faster, all the time";
  if (const auto* invalid = std::get_if<store::Invalid>(&outcome)) {
    return invalid->findings.front().sentence;
  }
  return {};
}

}  // namespace

/// What is refused is asked for again by who has asked.
void CloudStore::commit_move(const std::string& port, const std::string& host) {
  const auto outcome = committer_.commit(
      [&](const store::Copy& copy) -> tl::expected<store::Proposal, store::Declined> {
        auto edit = arrival(copy.cloud(), port, host);
        if (!edit) return tl::unexpected(store::Declined{"precondition", "it does not migrate"});
        return store::Proposal{{std::move(*edit)}, {}};
      },
      "novaplaned@" + host_);
  std::string words = refusal_in(outcome);
  if (words == told_refusal_) return;
  told_refusal_ = words;
  if (words.empty()) return;
  words = fmt::format("port {} is on {}, which cannot be written yet: {}", port, host, words);
  loop_.post("a move that is not written", [words] { log::warning("{}", words); });
}

void CloudStore::tell_those_who_wait() {
  const auto now = Clock::now();
  std::erase_if(waiting_, [&](const Waiting& one) {
    if (copy_.revision() <= one.after && now < one.until) return false;
    one.client.give(news_after(one.after));
    return true;
  });
}

CloudStore::News CloudStore::news_after(store::Revision after) {
  auto lines = api_.watch_lines(after, kMostNews);
  if (!lines) return {{}, 0, std::move(lines.error())};
  News news{{}, after, {}};
  for (const api::WatchLine& line : *lines) {
    news.text += line.text;
    news.revision = line.revision;
  }
  return news;
}

}  // namespace novaplane::daemon
