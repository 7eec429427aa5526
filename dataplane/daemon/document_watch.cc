#include "dataplane/daemon/document_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <filesystem>

namespace novaplane::daemon {
namespace {

namespace fs = std::filesystem;

/// IN_MODIFY is left out: a document that is being written is not one yet.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kOfDirectory = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;
constexpr int kMostLinks = 40;  // as the kernel's MAXSYMLINKS

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

void prepend(std::deque<std::string>& rest, const fs::path& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : path.relative_path()) parts.push_back(part);
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

}  // namespace

std::vector<Hop> hops_of(const std::string& path) {
  std::vector<Hop> hops;
  std::deque<std::string> rest;
  prepend(rest, path);
  fs::path at = "/";
  for (int links = 0; !rest.empty() && links < kMostLinks;) {
    const std::string name = std::move(rest.front());
    rest.pop_front();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      at = at.parent_path();
      continue;
    }
    std::error_code error;
    const auto type = fs::symlink_status(at / name, error).type();
    const bool is_link = type == fs::file_type::symlink;
    if (is_link || rest.empty() || type == fs::file_type::not_found) hops.push_back({at, name});
    if (type == fs::file_type::not_found) break;
    if (!is_link) {
      at /= name;
      continue;
    }
    const fs::path target = fs::read_symlink(at / name, error);
    if (target.is_absolute()) at = "/";
    prepend(rest, target);
    ++links;
  }
  return hops;
}

DocumentWatch::DocumentWatch(Loop& loop, std::string path, Loop::Task on_change)
    : path_(std::move(path)), on_change_(std::move(on_change)), loop_(loop), calm_(loop) {}

Result<void> DocumentWatch::start() {
  inotify_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_) return failure("watch " + path_, errno);
  watch_ = std::make_unique<Watch>(loop_, inotify_.get(), "the document's folder");
  arm();
  watch_->when_readable([this] { process_events(); });
  return {};
}

/// Directories come and go with the links on the way, so the way is walked anew after each change.
void DocumentWatch::arm() {
  std::map<int, Directory> before = std::move(directories_);
  directories_.clear();
  for (const Hop& hop : hops_of(path_)) {
    const int descriptor =
        ::inotify_add_watch(inotify_.get(), hop.directory.c_str(), kEvents | IN_ONLYDIR);
    if (descriptor < 0) continue;
    before.erase(descriptor);
    Directory& directory = directories_[descriptor];
    directory.path = hop.directory;
    directory.names.insert(hop.name);
  }
  for (const auto& [descriptor, directory] : before) {
    ::inotify_rm_watch(inotify_.get(), descriptor);
  }
}

bool DocumentWatch::concerns(int descriptor, std::uint32_t mask, const std::string& name) const {
  if (mask & IN_Q_OVERFLOW) return true;
  const auto directory = directories_.find(descriptor);
  if (directory == directories_.end()) return false;
  if (mask & kOfDirectory) return true;
  if (!directory->second.names.contains(name)) return false;
  // One that is made to be written to is told of again when it is closed.
  return !(mask & IN_CREATE) || !is_regular_file(directory->second.path + "/" + name);
}

void DocumentWatch::process_events() {
  alignas(inotify_event) char buffer[4096];
  constexpr int kAtOnce = 64;  // reads: a folder in which much happens does not hold the loop
  bool changed = false;
  for (int i = 0; i < kAtOnce; ++i) {
    const ssize_t size = ::read(inotify_.get(), buffer, sizeof(buffer));
    if (size <= 0) break;
    for (const char* at = buffer; at < buffer + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      const std::string name = event->len > 0 ? event->name : "";
      changed = concerns(event->wd, event->mask, name) || changed;
      at += sizeof(inotify_event) + event->len;
    }
  }
  if (changed) {
    calm_.after(kCalm, [this] {
      arm();
      on_change_();
    });
  }
  watch_->when_readable([this] { process_events(); });
}

}  // namespace novaplane::daemon
