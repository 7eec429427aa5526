#include "dataplane/node/writer_lock.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <thread>

#include "dataplane/base/peer.h"
#include "dataplane/base/unix_address.h"
#include "dataplane/node/lock_place.h"

namespace novaplane::node {
namespace {

constexpr std::string_view kWriter = "writer";

/// One for each network namespace.
UnixAddress abstract_name() { return *unix_address("@novaplane/writer"); }

/// None: somebody else has it.
Fd take_abstract_name() {
  const UnixAddress name = abstract_name();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool done =
      ::bind(socket.get(), name.get(), name.size) == 0 && ::listen(socket.get(), SOMAXCONN) == 0;
  return done ? std::move(socket) : Fd();
}

/// Whoever is not root, or cannot be asked, holds nothing. Never waits: nobody accepts there.
std::optional<pid_t> root_behind_abstract_name() {
  const UnixAddress name = abstract_name();
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), name.get(), name.size) != 0) return std::nullopt;
  const auto peer = peer_of(socket.get());
  return peer && peer->uid == 0 ? std::optional(peer->pid) : std::nullopt;
}

tl::unexpected<Error> taken_by(std::optional<pid_t> pid) {
  return failure("become the writer of this network namespace", EADDRINUSE,
                 pid ? fmt::format("process {} already is", *pid) : "another process already is");
}

}  // namespace

WriterLock::WriterLock(std::string path, Fd file, Fd name)
    : path_(std::move(path)), file_(std::move(file)), name_(std::move(name)) {}

WriterLock::~WriterLock() {
  if (file_) ::unlink(path_.c_str());
}

Result<WriterLock> WriterLock::take() {
  std::string path = lock_path(kWriter);
  const auto made = make_lock_folder();
  auto file = made ? take_file_lock(path) : tl::unexpected(made.error());
  if (!file && file.error().code == EWOULDBLOCK) return taken_by(file_lock_holder(path));
  const bool cannot_be = !file && (file.error().code == EROFS || file.error().code == ENOSPC);
  if (!file && !cannot_be) return tl::unexpected(file.error());
  Fd name = take_abstract_name();
  if (!name) {
    if (const auto pid = root_behind_abstract_name()) return taken_by(pid);
    if (cannot_be) return tl::unexpected(file.error());
  }
  return WriterLock(std::move(path), file ? std::move(*file) : Fd(), std::move(name));
}

Result<WriterLock> WriterLock::take_before(std::chrono::steady_clock::time_point deadline) {
  constexpr auto kPause = std::chrono::milliseconds(5);
  for (;;) {
    auto lock = take();
    const bool in_use = !lock && lock.error().code == EADDRINUSE;
    if (!in_use || std::chrono::steady_clock::now() >= deadline) return lock;
    std::this_thread::sleep_for(kPause);
  }
}

std::optional<pid_t> WriterLock::holder() {
  const auto pid = file_lock_holder(lock_path(kWriter));
  return pid ? pid : root_behind_abstract_name();
}

}  // namespace novaplane::node
