#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace novaplane::test {

/// How a child puts files on their disk, in the order in which the kernel was asked: "fsync NAME",
/// "rename TO". Names are the last parts of paths; a temporary file's is "temporary".
class SyscallTrace {
 public:
  template <class Act>
  static std::vector<std::string> of(Act&& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      act();
      ::_exit(0);
    }
    return SyscallTrace(child).follow();
  }

 private:
  explicit SyscallTrace(pid_t child) : child_(child) {}

  std::vector<std::string> follow() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (::ptrace(PTRACE_SYSCALL, child_, nullptr, nullptr) == 0) {
      if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) break;
      if (WSTOPSIG(status) == (SIGTRAP | 0x80)) note();
    }
    return std::move(calls_);
  }

  void note() {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, child_, sizeof(info), &info);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    const auto number = static_cast<long>(info.entry.nr);
    const auto* arguments = info.entry.args;
    if (number == SYS_fsync || number == SYS_fdatasync) {
      calls_.push_back("fsync " + name_of(path_of(arguments[0])));
    }
#ifdef SYS_rename
    if (number == SYS_rename) calls_.push_back("rename " + name_of(text_at(arguments[1])));
#endif
#ifdef SYS_renameat
    if (number == SYS_renameat) calls_.push_back("rename " + name_of(text_at(arguments[3])));
#endif
    if (number == SYS_renameat2) calls_.push_back("rename " + name_of(text_at(arguments[3])));
  }

  std::string path_of(std::uint64_t fd) const {
    return std::filesystem::read_symlink("/proc/" + std::to_string(child_) + "/fd/" +
                                         std::to_string(fd));
  }
  std::string text_at(std::uint64_t address) const {
    std::ifstream memory("/proc/" + std::to_string(child_) + "/mem", std::ios::binary);
    memory.seekg(static_cast<std::streamoff>(address));
    std::string text;
    std::getline(memory, text, '\0');
    return text;
  }
  static std::string name_of(const std::string& path) {
    const std::string name = std::filesystem::path(path).filename();
    return name.starts_with('.') ? "temporary" : name;
  }

  pid_t child_;
  std::vector<std::string> calls_;
};

}  // namespace novaplane::test
