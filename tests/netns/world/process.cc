#include "tests/netns/world/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace novaplane::netns {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Streams {
  int in, out, err;
};

/// argv and environment as execve takes them, made before the fork.
class Image {
 public:
  explicit Image(const Command& command) : argv_(command.argv) {
    for (char** entry = environ; *entry; ++entry) environment_.emplace_back(*entry);
    for (const auto& [name, value] : command.environment)
      environment_.push_back(fmt::format("{}={}", name, value));
    for (auto& word : argv_) argv_pointers_.push_back(word.data());
    for (auto& entry : environment_) environment_pointers_.push_back(entry.data());
    argv_pointers_.push_back(nullptr);
    environment_pointers_.push_back(nullptr);
  }
  [[noreturn]] void become() {
    execvpe(argv_pointers_[0], argv_pointers_.data(), environment_pointers_.data());
    _exit(127);
  }

 private:
  std::vector<std::string> argv_, environment_;
  std::vector<char*> argv_pointers_, environment_pointers_;
};

/// In the child: only system calls, for another thread may hold a lock.
void settle(const Command& command, const Streams& streams) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (command.namespace_fd >= 0 && setns(command.namespace_fd, CLONE_NEWNET) != 0) _exit(126);
  if (!command.private_directories.empty()) {
    if (unshare(CLONE_NEWNS) != 0) _exit(126);
    mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    for (const auto& directory : command.private_directories)
      if (mount("tmpfs", directory.c_str(), "tmpfs", 0, nullptr) != 0) _exit(126);
  }
  dup2(streams.in, 0);
  dup2(streams.out, 1);
  dup2(streams.err, 2);
}

pid_t start(const Command& command, const Streams& streams) {
  Image image(command);
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    settle(command, streams);
    image.become();
  }
  return pid;
}

Fd pidfd_of(pid_t pid) {
  Fd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) fail("pidfd_open");
  return fd;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// True once the process has ended within the deadline.
bool ended(const Fd& pidfd, Duration deadline) {
  pollfd entry{pidfd.get(), POLLIN, 0};
  return poll(&entry, 1, static_cast<int>(deadline.count())) == 1;
}

struct Pipe {
  Fd read, write;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    fcntl(read.get(), F_SETFL, O_NONBLOCK);
  }
  /// True at the end of the file.
  bool take(std::string& into) {
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(read.get(), buffer, sizeof buffer);
      if (got == 0) return true;
      if (got < 0) return false;
      into.append(buffer, static_cast<std::size_t>(got));
    }
  }
};

/// An unnamed file that holds the program's input.
Fd input_file(const std::string& text) {
  if (text.empty()) return Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  Fd file(static_cast<int>(syscall(SYS_memfd_create, "input", 1u /* MFD_CLOEXEC */)));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail("memfd");
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

/// Collects both outputs until the process has ended; false when the deadline passed.
bool collect(const Fd& pidfd, Pipe& out, Pipe& err, Outcome& outcome, Duration deadline) {
  const auto end = Clock::now() + deadline;
  pollfd entries[3] = {
      {pidfd.get(), POLLIN, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(end - Clock::now()).count();
    if (left <= 0) return false;
    poll(entries, 3, static_cast<int>(left));
    if (out.take(outcome.out)) entries[1].fd = -1;
    if (err.take(outcome.err)) entries[2].fd = -1;
    if (!(entries[0].revents & POLLIN)) continue;
    const bool out_closed = out.take(outcome.out), err_closed = err.take(outcome.err);
    outcome.released_output = out_closed && err_closed;
    return true;
  }
}

}  // namespace

std::string Outcome::text() const {
  return fmt::format("exit status {} after {} ms\nstdout: {}\nstderr: {}\n", status, took.count(),
                     out, err);
}

Outcome run(const Command& command) {
  Pipe out, err;
  const Fd in = input_file(command.input);
  const auto begin = Clock::now();
  const pid_t pid = start(command, {in.get(), out.write.get(), err.write.get()});
  const Fd pidfd = pidfd_of(pid);
  out.write.reset();
  err.write.reset();
  Outcome outcome;
  const bool in_time = collect(pidfd, out, err, outcome, patient(command.deadline));
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  outcome.status = in_time ? exit_code(status) : 124;
  outcome.took = std::chrono::duration_cast<Duration>(Clock::now() - begin);
  return outcome;
}

Child::Child(const Command& command, std::string log) : log_(std::move(log)) {
  const Fd out(open(log_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  if (!out) fail(log_);
  const Fd in = input_file(command.input);
  pid_ = start(command, {in.get(), out.get(), out.get()});
  pidfd_ = pidfd_of(pid_);
}

Child::Child(Child&& other) noexcept
    : log_(std::move(other.log_)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(other.status_) {}

Child::~Child() {
  if (pid_ < 0 || !running()) return;
  signal(SIGKILL);
  wait();
}

bool Child::running() {
  if (status_ >= 0) return false;
  return !ended(pidfd_, 0ms);
}

void Child::signal(int number) {
  if (status_ < 0) kill(pid_, number);
}

int Child::wait(Duration deadline) {
  if (status_ >= 0) return status_;
  if (!ended(pidfd_, patient(deadline))) return 124;
  int status = 0;
  waitpid(pid_, &status, 0);
  return status_ = exit_code(status);
}

std::string Child::log() const { return read_file(log_); }

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& text) {
  const Fd file(open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail(path);
}

void replace_file(const std::string& path, const std::string& text) {
  write_file(path + ".new", text);
  std::filesystem::rename(path + ".new", path);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace novaplane::netns
