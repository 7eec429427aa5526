#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace novaplane::test {

/// A program of its own name in a folder of its own, which a test scripts by what its configuration
/// says (tests/unit/pretended_program.cc).
inline std::string pretend(const std::string& folder, const std::string& name) {
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/" + name;
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::filesystem::copy_file(here / "pretended_program", path);
  return path;
}

/// A folder in which programs are looked for before all others, as long as this lives.
class FirstInPath {
 public:
  explicit FirstInPath(const std::string& folder) {
    const char* path = ::getenv("PATH");
    before_ = path ? path : "";
    ::setenv("PATH", (folder + ":" + before_).c_str(), 1);
  }
  ~FirstInPath() { ::setenv("PATH", before_.c_str(), 1); }
  FirstInPath(const FirstInPath&) = delete;
  FirstInPath& operator=(const FirstInPath&) = delete;

 private:
  std::string before_;
};

}  // namespace novaplane::test
