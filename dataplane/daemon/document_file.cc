#include "dataplane/daemon/document_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <functional>
#include <sstream>

#include "dataplane/base/files.h"

namespace novaplane::daemon {

std::string DocumentFile::Broken::summary() const {
  return mistakes.size() == 1 ? mistakes.front()
                              : fmt::format("{} (and {} more)", mistakes[0], mistakes.size() - 1);
}

std::optional<DocumentFile::Stamp> DocumentFile::stamp() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size,
               status.st_ctim.tv_sec * 1'000'000'000L + status.st_ctim.tv_nsec};
}

bool DocumentFile::looks_changed() const { return stamp() != stamp_; }

DocumentFile::Reading DocumentFile::broken(std::vector<std::string> mistakes) {
  Broken broken{std::move(mistakes)};
  error_ = broken.summary();
  return broken;
}

DocumentFile::Reading DocumentFile::read() {
  stamp_ = stamp();
  auto text = read_whole(path_);
  if (!text) {
    hash_.reset();
    return broken({text.error().message()});
  }
  const std::size_t hash = std::hash<std::string>()(*text);
  if (hash_ == hash) return Unchanged{};
  hash_ = hash;
  std::istringstream stream(*text);
  auto cloud = cloud::parse(stream, path_);
  if (!cloud) {
    std::vector<std::string> mistakes;
    for (const cloud::Mistake& mistake : cloud.error()) mistakes.push_back(mistake.message());
    return broken(std::move(mistakes));
  }
  if (!cloud->hosts.contains(host_)) {
    return broken(
        {fmt::format("{}: no host {} in it; `novaplane down` would take this host's "
                     "network away",
                     path_, host_)});
  }
  error_.clear();
  text_ = std::move(*text);
  return std::move(*cloud);
}

}  // namespace novaplane::daemon
