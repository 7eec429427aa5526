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

std::optional<DocumentFile::Stamp> DocumentFile::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size,
               status.st_ctim.tv_sec * 1'000'000'000L + status.st_ctim.tv_nsec};
}

bool DocumentFile::looks_changed() const { return stamp_of(path_) != stamp_; }

DocumentFile::Reading DocumentFile::parse(const std::string& text, const std::string& path,
                                          const std::string& host) {
  std::istringstream stream(text);
  auto cloud = cloud::parse(stream, path);
  if (!cloud) {
    Broken broken;
    for (const cloud::Mistake& mistake : cloud.error())
      broken.mistakes.push_back(mistake.message());
    return broken;
  }
  if (cloud->hosts.contains(host)) return std::move(*cloud);
  return Broken{
      {fmt::format("{}: no host {} in it; `novaplane down` would take this host's "
                   "network away",
                   path, host)}};
}

std::function<DocumentFile::Attempt()> DocumentFile::attempt() const {
  return [path = path_, host = host_, known = hash_] {
    Attempt attempt{stamp_of(path), {}, {}, {}};
    auto text = read_whole(path);
    if (!text) {
      attempt.reading = Broken{{text.error().message()}};
      return attempt;
    }
    attempt.hash = std::hash<std::string>()(*text);
    if (attempt.hash == known) return attempt;
    attempt.reading = parse(*text, path, host);
    attempt.text = std::move(*text);
    return attempt;
  };
}

DocumentFile::Reading DocumentFile::read() { return take(attempt()()); }

DocumentFile::Reading DocumentFile::take(Attempt attempt) {
  stamp_ = attempt.stamp;
  hash_ = attempt.hash;
  if (const auto* broken = std::get_if<Broken>(&attempt.reading)) error_ = broken->summary();
  if (std::holds_alternative<cloud::Cloud>(attempt.reading)) {
    error_.clear();
    text_ = std::move(attempt.text);
  }
  return std::move(attempt.reading);
}

}  // namespace novaplane::daemon
