#pragma once

#include <filesystem>

#include "tests/netns/store_daemon.h"

/// People who are not root and ask novaplaned.
namespace novaplane::netns {

/// Users and groups that only the daemon sees: it is started with files of its own in the place of
/// /etc/passwd and /etc/group.
class Accounts {
 public:
  explicit Accounts(const World& world)
      : group_(world.folder() + "/group"),
        passwd_(world.folder() + "/passwd"),
        groups_(read_file("/etc/group")),
        users_(read_file("/etc/passwd")) {
    write_file(group_, groups_);
    write_file(passwd_, users_);
  }

  /// In place: a file that is mounted cannot be replaced.
  void add_group(const std::string& name, gid_t id) {
    write_file(group_, read_file(group_) + fmt::format("{}:x:{}:\n", name, id));
  }
  void forget_groups() { write_file(group_, groups_); }
  void add_user(const std::string& name, uid_t id) {
    write_file(passwd_, read_file(passwd_) + fmt::format("{}:x:{}:{}::/:/bin/sh\n", name, id, id));
  }
  std::vector<std::string> launcher() const {
    return {
        "unshare",
        "--mount",
        "sh",
        "-c",
        R"(mount --bind "$1" /etc/group && mount --bind "$2" /etc/passwd && shift 2 && exec "$@")",
        "sh",
        group_,
        passwd_};
  }

 private:
  std::string group_, passwd_, groups_, users_;
};

/// Somebody with a user of his own, and in some groups. His programs are copies, which he can reach
/// wherever the build is.
class Operator {
 public:
  Operator(const World& world, const Host& host, uid_t id, std::vector<gid_t> groups)
      : host_(host), program_(world.folder() + "/novaplane"), id_(id), groups_(std::move(groups)) {
    namespace fs = std::filesystem;
    fs::permissions(world.folder(), fs::perms(0755));
    if (!fs::exists(program_)) fs::copy_file(NOVAPLANE_PROGRAM, program_);
  }

  Outcome operator()(const std::string& words) const {
    auto argv = words_of(words);
    argv.insert(argv.begin(), program_);
    argv.insert(argv.end(), {"--run-dir", host_.run_dir()});
    return host_.run(as_him(std::move(argv)));
  }
  /// The same program of others, at the control socket: curl's words and the path.
  std::vector<std::string> curl(const std::string& words, const std::string& path) const {
    auto argv = words_of("curl --silent --no-buffer --max-time 60 " + words);
    argv.insert(argv.end(),
                {"--unix-socket", host_.run_dir() + "/control.sock", "http://localhost" + path});
    return as_him(std::move(argv));
  }

 private:
  std::vector<std::string> as_him(std::vector<std::string> argv) const {
    const std::string id = std::to_string(id_);
    std::vector<std::string> all{"setpriv", "--reuid", id, "--regid", id};
    if (groups_.empty()) all.emplace_back("--clear-groups");
    if (!groups_.empty()) {
      all.insert(all.end(), {"--groups", fmt::format("{}", fmt::join(groups_, ","))});
    }
    all.emplace_back("--");
    all.insert(all.end(), argv.begin(), argv.end());
    return all;
  }

  const Host& host_;
  std::string program_;
  uid_t id_;
  std::vector<gid_t> groups_;
};

}  // namespace novaplane::netns
