#include "dataplane/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "dataplane/base/descriptor_limit.h"
#include "dataplane/base/files.h"

extern char** environ;

namespace novaplane {
namespace {

/// posix_spawn's two attribute objects, freed together.
class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void detach(int stderr_pipe) {
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, stderr_pipe, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);

    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  int run(pid_t* pid, const std::string& program, char* const* argv) const {
    return ::posix_spawn(pid, program.c_str(), &actions_, &attributes_, argv, environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string drain(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

int reap(const Process& process) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(process.descriptor()), &info, WEXITED);
  } while (result != 0 && errno == EINTR);
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int milliseconds_until(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<Process> Process::open(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return failure(fmt::format("open process {}", pid), errno);
  return Process(pid, std::move(fd));
}

Result<void> Process::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0) return {};
  return failure(fmt::format("send SIG{} to process {}", ::sigabbrev_np(number), pid_), errno);
}

bool Process::ended_before(Deadline deadline) const {
  pollfd end{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&end, 1, milliseconds_until(deadline));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

Result<void> await_end(const Process& process, const std::string& name, Deadline deadline) {
  constexpr std::chrono::seconds kKillTime{2};
  if (process.ended_before(deadline)) return {};
  (void)process.signal(SIGKILL);
  if (process.ended_before(deadline + kKillTime)) return {};
  return failure(fmt::format("stop {}, process {}", name, process.pid()), ETIMEDOUT);
}

std::vector<std::string> command_line(pid_t pid) {
  const auto text = read_whole(fmt::format("/proc/{}/cmdline", pid));
  std::vector<std::string> arguments;
  if (!text) return arguments;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size() - 1);
    arguments.emplace_back(rest.substr(0, rest[end] == '\0' ? end : end + 1));
    rest.remove_prefix(end + 1);
  }
  return arguments;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> found;
  for (const std::string& entry : list_directory("/proc").value_or(std::vector<std::string>())) {
    pid_t pid = 0;
    const char* end = entry.data() + entry.size();
    if (std::from_chars(entry.data(), end, pid).ptr == end) found.push_back(pid);
  }
  return found;
}

/// The fourth word of proc(5)'s "stat"; the second may hold anything in its parentheses.
pid_t parent_of(pid_t pid) {
  const auto text = read_whole(fmt::format("/proc/{}/stat", pid));
  constexpr std::string_view kBetween = ") S ";
  const auto at = text ? text->rfind(')') : std::string::npos;
  pid_t parent = 0;
  if (at == std::string::npos || at + kBetween.size() > text->size()) return parent;
  std::from_chars(text->data() + at + kBetween.size(), text->data() + text->size(), parent);
  return parent;
}

bool shares_our_network(pid_t pid) {
  struct stat theirs {
  }, ours{};
  return ::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &theirs) == 0 &&
         ::stat("/proc/thread-self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino &&
         theirs.st_dev == ours.st_dev;
}

Result<Exit> Child::wait(Deadline deadline) {
  const bool ended = process_.ended_before(deadline);
  if (!ended) (void)process_.signal(SIGKILL);
  const int status = reap(process_);
  const std::string words = drain(errors_.get());
  if (!ended) {
    return failure(fmt::format("wait for process {}", process_.pid()), ETIMEDOUT, words);
  }
  return Exit{status, words};
}

Result<Child> spawn(const std::vector<std::string>& argv) {
  const std::string step = "start " + argv.front();
  int ends[2];
  // Not blocking for us: a grandchild may hold the other end for as long as it lives.
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure(step, errno);
  Fd reader(ends[0]), writer(ends[1]);
  if (::fcntl(reader.get(), F_SETFL, O_NONBLOCK) != 0) return failure(step, errno);

  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // execve promises not to write
  }
  arguments.push_back(nullptr);

  SpawnSettings settings;
  settings.detach(writer.get());
  pid_t pid = 0;
  if (const int error = settings.run(&pid, argv.front(), arguments.data()); error != 0) {
    return failure(step, error);
  }
  lower_descriptor_limit_of(pid);
  auto process = Process::open(pid);  // cannot be another one: nobody has reaped it yet
  if (!process) return tl::unexpected(process.error());
  return Child(std::move(*process), std::move(reader));
}

std::vector<std::string> places_of(const std::string& name) {
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::string> found;
  const char* path = std::getenv("PATH");
  const std::string places = fmt::format("{}:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "");
  for (std::string_view rest = places; !rest.empty();) {
    const auto end = std::min(rest.find(':'), rest.size());
    std::string candidate = fmt::format("{}/{}", rest.substr(0, end), name);
    if (end > 0) found.push_back(std::move(candidate));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (std::string& place : places_of(name)) {
    if (::access(place.c_str(), X_OK) == 0) return std::move(place);
  }
  return failure(fmt::format("find the program {}", name), ENOENT, "not found in PATH");
}

}  // namespace novaplane
