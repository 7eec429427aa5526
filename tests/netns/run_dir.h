#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "tests/netns/world/world.h"

namespace novaplane::netns {

enum class Fault : std::uint8_t { read_only, full };

/// A host's run directory as a file system of its own, which can be full or read-only. This
/// process, and all programs that it starts, see mounts of their own from then on.
class RunDir {
 public:
  RunDir(const Host& host, Fault fault) : path_(host.run_dir()), fault_(fault) {
    leave_the_machines_mounts();
    std::filesystem::create_directories(path_);
    mount("tmpfs", 0, kRoom);
  }
  RunDir(const RunDir&) = delete;
  ~RunDir() { ::umount2(path_.c_str(), MNT_DETACH); }

  void break_it() const {
    if (fault_ == Fault::read_only) return mount(nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    std::ofstream file(filler(), std::ios::binary);
    const std::string page(4096, '\0');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void mend() const {
    if (fault_ == Fault::read_only) return mount(nullptr, MS_REMOUNT, kRoom);
    std::filesystem::remove(filler());
  }
  /// The kernel's words for it.
  const char* words() const {
    return fault_ == Fault::read_only ? "Read-only file system" : "No space left on device";
  }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  /// All files and folders, by their names below the run directory.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      if (entry.path() != filler()) names.push_back(std::filesystem::relative(entry.path(), path_));
    }
    return names;
  }

 private:
  static constexpr const char* kRoom = "size=1m,mode=755";

  static void leave_the_machines_mounts() {
    static const bool left = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!left) throw std::system_error(errno, std::generic_category(), "unshare");
  }
  void mount(const char* type, unsigned long flags, const char* options) const {
    if (::mount("none", path_.c_str(), type, flags, options) != 0) {
      throw std::system_error(errno, std::generic_category(), "mount " + path_);
    }
  }
  std::string filler() const { return path("filler"); }

  const std::string path_;
  const Fault fault_;
};

}  // namespace novaplane::netns
