#include "dataplane/node/trial.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <string_view>

#include "dataplane/base/files.h"
#include "dataplane/base/peer.h"
#include "dataplane/base/unix_address.h"
#include "dataplane/node/lock_place.h"

namespace novaplane::node {
namespace {

constexpr std::size_t kLongestAnswer = 8192;
/// To keep a document the rollback timer writes a file and may ask the daemon. Also to connect:
/// where more wait than its queue takes (unix(7), SO_SNDTIMEO).
constexpr timeval kPatience{10, 0};

std::string socket_path() { return lock_path("guardian"); }
std::string file_path() { return lock_path("guardian.lock"); }

UnixAddress rollback_timer_address() { return *unix_address(socket_path()); }

/// Only root can listen there; that it is root is looked at all the same.
Fd connect_and_say(char question) {
  const UnixAddress address = rollback_timer_address();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const int limit : {SO_SNDTIMEO, SO_RCVTIMEO}) {
    ::setsockopt(socket.get(), SOL_SOCKET, limit, &kPatience, sizeof(kPatience));
  }
  if (::connect(socket.get(), address.get(), address.size) != 0 || !is_root_peer(socket.get()))
    return {};
  return ::send(socket.get(), &question, 1, MSG_NOSIGNAL) == 1 ? std::move(socket) : Fd();
}

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::chrono::ceil<std::chrono::seconds>(time).count();
  return fmt::format("{} second{}", whole, whole == 1 ? "" : "s");
}

}  // namespace

Result<RollbackTimerSocket> RollbackTimerSocket::take() {
  if (auto made = make_lock_folder(); !made) return tl::unexpected(made.error());
  auto file = take_file_lock(file_path());
  if (!file) {
    if (file.error().code != EWOULDBLOCK) return tl::unexpected(file.error());
    return failure("put a document on trial", EADDRINUSE, trial_sentence());
  }
  // A rollback timer that was killed has left it.
  ::unlink(socket_path().c_str());
  const UnixAddress address = rollback_timer_address();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), address.get(), address.size) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return failure("put a document on trial", errno);
  }
  return RollbackTimerSocket{std::move(socket), std::move(*file)};
}

void RollbackTimerSocket::remove_names() {
  ::unlink(socket_path().c_str());
  ::unlink(file_path().c_str());
}

Result<std::string> ask_rollback_timer(char question) {
  const Fd socket = connect_and_say(question);
  if (!socket) return failure("ask the rollback timer", ENOENT);
  std::string answer;
  char buffer[512];
  for (ssize_t got; answer.size() < kLongestAnswer &&
                    (got = ::recv(socket.get(), buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  if (!answer.ends_with('\n')) return failure("ask the rollback timer", "it does not answer");
  answer.pop_back();
  return answer;
}

Fd watch_rollback_timer() { return connect_and_say('w'); }

std::optional<Trial> trial() {
  const auto answer = ask_rollback_timer('s');
  if (!answer) return std::nullopt;
  std::istringstream words(*answer);
  std::string word;
  long long left = 0;
  Trial found;
  words >> word >> left;
  if (word != "trial") return std::nullopt;
  std::getline(words >> std::ws, found.file);
  found.left = std::chrono::milliseconds(std::max(left, 0LL));
  return found;
}

std::string trial_sentence() {
  const auto found = trial();
  if (!found) return {};
  return fmt::format(
      "{} is in force on trial: {} left to run `novaplane confirm`, then what was confirmed last "
      "comes back",
      found->file, seconds(found->left));
}

TrialFiles::TrialFiles(const std::string& run_dir)
    : confirmed(run_dir + "/confirmed.yaml"),
      previous(run_dir + "/previous.yaml"),
      on_trial(run_dir + "/trial.yaml"),
      rolled_back(run_dir + "/rolled-back") {}

Result<void> TrialFiles::confirm(const std::string& text) const {
  const auto slash = confirmed.rfind('/');
  if (auto made = make_directories(confirmed.substr(0, slash)); !made) return made;
  if (auto written = write_durably(confirmed, text, 0600); !written) return written;
  ::unlink(previous.c_str());
  ::unlink(rolled_back.c_str());
  return {};
}

Result<void> TrialFiles::follow(const std::string& text) const {
  const auto before = read_whole(confirmed);
  if (before && *before == text) return {};
  if (before) {
    if (auto kept = write_durably(previous, *before, 0600); !kept) return kept;
  }
  return write_durably(confirmed, text, 0600);
}

}  // namespace novaplane::node
