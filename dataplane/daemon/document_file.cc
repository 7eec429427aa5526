#include "dataplane/daemon/document_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "dataplane/base/files.h"

namespace novaplane::daemon {

tl::expected<cloud::Cloud, std::vector<std::string>> parse_for(const std::string& host,
                                                               const std::string& text,
                                                               const std::string& path) {
  auto cloud = cloud::parse(text, path);
  std::vector<std::string> mistakes;
  if (!cloud) {
    std::ranges::transform(cloud.error(), std::back_inserter(mistakes), &cloud::Mistake::message);
  } else if (!cloud->hosts.contains(host)) {
    mistakes.push_back(fmt::format(
        "{}: no host {} in it; `novaplane down` would take this host's network away", path, host));
  }
  if (!mistakes.empty()) return tl::unexpected(std::move(mistakes));
  return std::move(*cloud);
}

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

std::function<DocumentFile::Attempt()> DocumentFile::attempt(cloud::SharedCloud in_force) const {
  return [path = path_, host = host_, known = hash_, in_force = std::move(in_force)] {
    Attempt attempt{stamp_of(path), {}, {}, {}};
    auto text = read_whole(path);
    if (!text) {
      attempt.reading = Broken{{text.error().message()}};
      return attempt;
    }
    attempt.hash = std::hash<std::string>()(*text);
    if (attempt.hash == known) return attempt;
    if (auto cloud = parse_for(host, *text, path)) {
      attempt.reading = cloud::edit_of(in_force, std::move(*cloud));
    } else {
      attempt.reading = Broken{std::move(cloud.error())};
    }
    attempt.text = std::move(*text);
    return attempt;
  };
}

DocumentFile::Reading DocumentFile::read(cloud::SharedCloud in_force) {
  return take(attempt(std::move(in_force))());
}

DocumentFile::Reading DocumentFile::take(Attempt attempt) {
  stamp_ = attempt.stamp;
  hash_ = attempt.hash;
  if (const auto* broken = std::get_if<Broken>(&attempt.reading)) error_ = broken->summary();
  if (std::holds_alternative<cloud::Edit>(attempt.reading)) {
    error_.clear();
    text_ = std::move(attempt.text);
  }
  return std::move(attempt.reading);
}

}  // namespace novaplane::daemon
