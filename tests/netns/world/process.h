#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/fd.h"
#include "tests/netns/world/eventually.h"

namespace novaplane::netns {

/// A program to be run, and where.
struct Command {
  std::vector<std::string> argv;
  int namespace_fd = -1;                                           ///< -1: where the caller is
  std::string input{};                                             ///< its standard input
  std::vector<std::pair<std::string, std::string>> environment{};  ///< on top of ours
  std::vector<std::string> private_directories{};  ///< empty tmpfs of its own on each of these
  Duration deadline = 2 * kHangs;
};

/// How a program ended and what it said.
struct Outcome {
  int status = -1;  ///< exit code; 128 + signal; 124 when the deadline passed and it was killed
  std::string out, err;
  bool released_output =
      true;  ///< false: something it left behind still holds its stdout or stderr
  Duration took{};

  bool ok() const { return status == 0; }
  std::string text() const;  ///< for a failure message
};

Outcome run(const Command&);

/// A program in the background; its output goes to a file. Killed at the end of its life.
class Child {
 public:
  Child(const Command&, std::string log);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  int wait(Duration deadline = kHangs);  ///< exit code as in Outcome
  std::string log() const;

 private:
  std::string log_;
  pid_t pid_ = -1;
  Fd pidfd_;
  int status_ = -1;
};

std::string read_file(const std::string& path);  ///< empty when it cannot be read
void write_file(const std::string& path, const std::string& text);  ///< throws
/// Written whole beside its place and renamed into it.
void replace_file(const std::string& path, const std::string& text);

std::vector<std::string> lines_of(const std::string& text);
std::vector<std::string> words_of(const std::string& text);

}  // namespace novaplane::netns
