#include "dataplane/node/trial.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <sstream>
#include <string_view>

#include "dataplane/base/files.h"

namespace novaplane::node {
namespace {

constexpr std::string_view kName = "novaplane/guardian";
/// To keep a document the guardian writes a file and may ask the daemon.
constexpr timeval kPatience{10, 0};

struct Address {
  sockaddr_un value{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&value); }
};

/// A leading zero byte: the abstract namespace, which is one for each network namespace (unix(7)).
Address guardian_address() {
  Address address;
  address.value.sun_family = AF_UNIX;
  std::copy(kName.begin(), kName.end(), address.value.sun_path + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kName.size());
  return address;
}

Fd connect_and_say(char question) {
  const Address address = guardian_address();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  if (::connect(socket.get(), address.get(), address.size) != 0) return {};
  return ::send(socket.get(), &question, 1, MSG_NOSIGNAL) == 1 ? std::move(socket) : Fd();
}

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::chrono::ceil<std::chrono::seconds>(time).count();
  return fmt::format("{} second{}", whole, whole == 1 ? "" : "s");
}

}  // namespace

Result<Fd> listen_as_guardian() {
  const Address address = guardian_address();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), address.get(), address.size) != 0 ||
      ::listen(socket.get(), 8) != 0) {
    return failure("put a document on trial", errno, errno == EADDRINUSE ? trial_sentence() : "");
  }
  return socket;
}

Result<std::string> ask_guardian(char question) {
  const Fd socket = connect_and_say(question);
  if (!socket) return failure("ask the guardian", ENOENT);
  std::string answer;
  char buffer[512];
  for (ssize_t got; (got = ::recv(socket.get(), buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  if (!answer.ends_with('\n')) return failure("ask the guardian", "it does not answer");
  answer.pop_back();
  return answer;
}

Fd watch_guardian() { return connect_and_say('w'); }

std::optional<Trial> trial() {
  const auto answer = ask_guardian('s');
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

void TrialFiles::remove_all() const {
  for (const std::string* file : {&confirmed, &previous, &on_trial, &rolled_back}) {
    ::unlink(file->c_str());
  }
}

}  // namespace novaplane::node
