#include "tools/rollback_timer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/base/files.h"
#include "dataplane/base/peer.h"
#include "dataplane/base/printable.h"
#include "dataplane/base/process.h"
#include "dataplane/cloud/document.h"
#include "dataplane/node/trial.h"
#include "dataplane/node/writer_lock.h"
#include "tools/apply.h"
#include "tools/control.h"

namespace novaplane::tools {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kListener = 3, kLock = 4;  ///< where the rollback timer keeps its seat
constexpr std::size_t kMostClients = 32;
constexpr std::chrono::seconds kToAsk{1};  ///< a question is one byte
constexpr std::chrono::seconds kForTheWriter{5};
constexpr int kTries = 5;
constexpr std::chrono::seconds kBetweenTries{1};

/// Nothing of the parent stays open: neither its lock nor its terminal. A byte into `ready` says
/// that what ends the parent does not end us any more.
void let_go(const node::RollbackTimerSocket& seat, const Fd& ready) {
  ::setsid();
  [[maybe_unused]] const int moved = ::chdir("/");
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] const auto said = ::write(ready.get(), "r", 1);
  // Neither may be where the other one goes.
  const int listener = ::fcntl(seat.listener.get(), F_DUPFD_CLOEXEC, kLock + 1);
  const int lock = ::fcntl(seat.lock.get(), F_DUPFD_CLOEXEC, kLock + 1);
  ::dup3(listener, kListener, O_CLOEXEC);
  ::dup3(lock, kLock, O_CLOEXEC);
  ::close_range(kLock + 1, ~0u, 0);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  ::close(null);
}

class RollbackTimer {
 public:
  RollbackTimer(RollbackSettings settings, pid_t parent)
      : settings_(std::move(settings)),
        files_(settings_.options.run_dir),
        parent_(Process::open(parent)),
        deadline_(Clock::now() + settings_.time) {}

  void run() {
    while (!over_ && Clock::now() < deadline_) serve();
    node::RollbackTimerSocket::remove_names();
    ::close(kListener);  // nothing is on trial any more
    ::close(kLock);
    if (!kept_) roll_back();
  }

 private:
  struct Client {
    Fd socket;
    Clock::time_point until;
  };

  milliseconds left() const {
    return std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now());
  }

  /// All at once, each with a second of its own: who connects and says nothing keeps nobody
  /// waiting.
  void serve() {
    auto until = deadline_;
    std::vector<pollfd> waiting{{kListener, POLLIN, 0}};
    for (const Client& client : clients_) {
      waiting.push_back({client.socket.get(), POLLIN, 0});
      until = std::min(until, client.until);
    }
    const auto time = std::chrono::ceil<milliseconds>(until - Clock::now());
    const auto count = static_cast<nfds_t>(waiting.size());
    if (::poll(waiting.data(), count, static_cast<int>(std::max<long>(time.count(), 0))) < 0)
      return;
    for (std::size_t i = 0; i < clients_.size() && !over_; ++i) {
      if (waiting[i + 1].revents != 0) answer(std::exchange(clients_[i].socket, Fd()));
    }
    std::erase_if(clients_, [now = Clock::now()](const Client& client) {
      return !client.socket || client.until <= now;
    });
    if (waiting[0].revents != 0) accept();
  }

  void accept() {
    Fd socket(::accept4(kListener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket || !is_root_peer(socket.get())) return;
    if (clients_.size() == kMostClients) clients_.erase(clients_.begin());
    clients_.push_back({std::move(socket), Clock::now() + kToAsk});
  }

  void answer(Fd client) {
    char question = 0;
    if (::recv(client.get(), &question, 1, 0) != 1) return;
    if (question == 'w') {
      watchers_.push_back(std::move(client));  // ends with us
      return;
    }
    const std::string line = answer_to(question) + "\n";
    ::send(client.get(), line.data(), line.size(), MSG_NOSIGNAL);
  }

  std::string answer_to(char question) {
    if (question == 's') return fmt::format("trial {} {}", left().count(), settings_.file);
    if (left() <= milliseconds::zero() || question == 'r') {
      over_ = true;
      return "late " + settings_.file;
    }
    if (auto kept = keep(); !kept) return "error " + kept.error().message();
    over_ = kept_ = true;
    return fmt::format("kept {} {}", left().count(), settings_.file);
  }

  /// The daemon's own file holds it from now on, and the daemon reads that.
  Result<void> keep() {
    if (!settings_.followed.empty()) {
      if (auto written = write_followed(settings_.text); !written) return written;
      if (auto told = tell_daemon(); !told) return told;
    }
    auto confirmed = files_.confirm(settings_.text);
    // Where there is no room for it, there is that of the same text.
    if (!confirmed && ::rename(files_.on_trial.c_str(), files_.confirmed.c_str()) == 0) return {};
    // Somebody wants what is in force: that it cannot be written is no reason to take it away.
    if (!confirmed) {
      ::openlog("novaplane", LOG_PID, LOG_DAEMON);
      ::syslog(LOG_WARNING, "%s is confirmed, and a later trial will not bring it back: %s",
               printable(settings_.file).c_str(), printable(confirmed.error().message()).c_str());
    }
    ::unlink(files_.on_trial.c_str());
    return {};
  }

  /// It has to be there after a power cut: the host starts with it.
  Result<void> write_followed(const std::string& text) {
    if (const auto now = read_whole(settings_.followed); now && *now == text) return {};
    return replace_durably(settings_.followed, text);
  }

  Result<void> tell_daemon() {
    const auto told = ask_daemon(settings_.options.run_dir, "POST", "/trial/end");
    return told ? Result<void>() : tl::unexpected(told.error());
  }

  // --- nobody has confirmed

  void roll_back() {
    ::openlog("novaplane", LOG_PID, LOG_DAEMON);
    note("");
    ::syslog(LOG_WARNING, "%s was not confirmed: bringing back what was confirmed last",
             printable(settings_.file).c_str());
    Result<void> done;
    for (int attempt = 0; attempt < kTries; ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(kBetweenTries);
      if ((done = bring_back())) break;
    }
    if (!done) ::syslog(LOG_ERR, "bring back: %s", printable(done.error().message()).c_str());
    note(done ? "ok" : done.error().message());
    ::unlink(files_.on_trial.c_str());
  }

  /// For who comes too late: when it began, with which file, and how it went.
  void note(const std::string& outcome) {
    (void)make_directories(settings_.options.run_dir);
    (void)write_whole(files_.rolled_back,
                      fmt::format("{} {}\n{}\n", ::time(nullptr), settings_.file, outcome), 0600);
  }

  /// Through the daemon, if it still lives; a writer that hangs is ended.
  Result<void> bring_back() {
    if (!settings_.followed.empty()) {
      if (settings_.followed == settings_.file && settings_.confirmed) {
        if (auto written = write_followed(*settings_.confirmed); !written) return written;
      }
      if (tell_daemon()) return {};
    }
    const auto lock = become_the_writer();
    if (!lock) return tl::unexpected(lock.error());
    const auto report =
        settings_.confirmed ? apply_text(*settings_.confirmed) : take_down(settings_.options);
    if (!report) return tl::unexpected(report.error());
    if (!report->error.empty()) return failure("bring back", report->error);
    if (report->failures.empty()) return {};
    const Remark& first = report->failures.front();
    return failure(first.object, first.reason);
  }

  Result<node::WriterLock> become_the_writer() {
    auto lock = node::WriterLock::take_before(Clock::now() + kForTheWriter);
    if (lock || node::WriterLock::holder() != parent_pid()) return lock;
    (void)parent_->signal(SIGKILL);
    return node::WriterLock::take_before(Clock::now() + kForTheWriter);
  }
  std::optional<pid_t> parent_pid() const {
    return parent_ ? std::optional(parent_->pid()) : std::nullopt;
  }

  Result<Report> apply_text(const std::string& text) {
    auto cloud = cloud::parse(text, files_.confirmed);
    if (!cloud) return failure(cloud.error().front().message());
    return apply(std::move(*cloud), settings_.options);
  }

  RollbackSettings settings_;
  node::TrialFiles files_;
  Result<Process> parent_;
  Clock::time_point deadline_;
  std::vector<Client> clients_;
  std::vector<Fd> watchers_;
  bool over_ = false, kept_ = false;
};

}  // namespace

Result<void> start_rollback_timer(const node::RollbackTimerSocket& seat,
                                  const RollbackSettings& settings) {
  const std::string step = "start a process that brings back what was confirmed";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure(step, errno);
  Fd reader(ends[0]), writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return failure(step, errno);
  if (child > 0) {
    // Until then a hangup of the terminal would end both, and nobody would bring anything back.
    writer = Fd();
    char said = 0;
    ssize_t got = 0;
    do {
      got = ::read(reader.get(), &said, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? Result<void>() : failure(step, got < 0 ? errno : ECHILD, "it has ended");
  }
  let_go(seat, writer);
  RollbackTimer(settings, parent).run();
  ::_exit(0);
}

}  // namespace novaplane::tools
