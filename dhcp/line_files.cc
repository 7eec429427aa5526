#include "dhcp/line_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "dataplane/base/files.h"
#include "dataplane/base/hash.h"

namespace novaplane::dhcp {
namespace {

constexpr std::string_view kComment = " # ";

std::string to_text(const Lines& lines) {
  std::string text;
  for (const auto& [name, line] : lines) {
    if (!line.empty()) fmt::format_to(std::back_inserter(text), "{}{}{}\n", line, kComment, name);
  }
  return text;
}

void parse(std::string_view text, Lines& lines) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto comment = line.rfind(kComment);
    if (comment == std::string_view::npos) continue;
    lines[std::string(line.substr(comment + kComment.size()))] = line.substr(0, comment);
  }
}

/// A file is named by its content: the same lines make the same file.
std::string file_name(std::string_view head, const std::string& text) {
  return fmt::format("{}-{:016x}", head, digest(text));
}

bool is_hosts_file(const std::string& name) { return !name.starts_with('.'); }

tl::unexpected<Error> failed(std::string_view verb, const std::string& path) {
  const int code = errno;
  return failure(fmt::format("{} {}", verb, path), code);
}

}  // namespace

Result<Lines> LineFiles::read() const {
  const auto names = list_directory(directory_);
  if (!names) return tl::unexpected(names.error());
  Lines lines;
  for (const std::string& name : *names) {
    if (!is_hosts_file(name)) continue;
    const auto text = read_whole(directory_ + "/" + name);
    if (!text) return tl::unexpected(text.error());
    parse(*text, lines);
  }
  return lines;
}

Result<void> LineFiles::add(const Lines& lines) const {
  if (lines.empty()) return {};
  const std::string text = to_text(lines);
  return write_whole(directory_ + "/" + file_name("later", text), text);
}

Result<void> LineFiles::revise(const Lines& changes) const {
  const auto names = changes.empty() ? std::vector<std::string>() : list_directory(directory_);
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    const std::string path = directory_ + "/" + name;
    const auto text = read_whole(path);
    if (!text) return tl::unexpected(text.error());
    Lines lines;
    parse(*text, lines);
    bool touched = false;
    for (auto& [entry, line] : lines) {
      const auto change = changes.find(entry);
      if (change == changes.end()) continue;
      line = change->second;
      touched = true;
    }
    if (!touched) continue;
    const std::string left = to_text(lines);
    const auto done = left.empty() ? remove_all(path) : write_whole(path, left);
    if (!done) return done;
  }
  return {};
}

Result<void> LineFiles::replace(const Lines& lines) const {
  const auto before = list_directory(directory_);
  if (!before) return tl::unexpected(before.error());
  const std::string text = to_text(lines);
  const std::string name = text.empty() ? std::string() : file_name("all", text);
  if (const auto published = publish(text, name); !published) return published;
  for (const std::string& other : *before) {
    if (other == name) continue;
    if (const auto removed = remove_all(directory_ + "/" + other); !removed) return removed;
  }
  return {};
}

/// A link appears with its content and without the event that a rename makes.
Result<void> LineFiles::publish(const std::string& text, const std::string& name) const {
  if (name.empty()) return {};
  const std::string path = directory_ + "/" + name;
  if (::access(path.c_str(), F_OK) == 0) return {};
  if (const auto staged = write_whole(staging_, text); !staged) return staged;
  if (::link(staging_.c_str(), path.c_str()) != 0 && errno != EEXIST) return failed("link", path);
  return remove_all(staging_);
}

}  // namespace novaplane::dhcp
