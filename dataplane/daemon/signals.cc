#include "dataplane/daemon/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace novaplane::daemon {

Result<std::unique_ptr<Signals>> Signals::open(Loop& loop, std::function<void(int)> on_signal) {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ours, number);
  ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Fd fd(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return failure("listen for signals", errno);
  return std::unique_ptr<Signals>(new Signals(loop, std::move(fd), std::move(on_signal)));
}

Signals::Signals(Loop& loop, Fd fd, std::function<void(int)> on_signal)
    : fd_(std::move(fd)), watch_(loop, fd_.get()), on_signal_(std::move(on_signal)) {
  watch_.when_readable([this] { process_events(); });
}

void Signals::process_events() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
  watch_.when_readable([this] { process_events(); });
}

}  // namespace novaplane::daemon
