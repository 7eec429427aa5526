#include "dataplane/engine/originals.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "dataplane/base/fd.h"
#include "dataplane/base/files.h"

namespace novaplane::engine {

Result<Originals> Originals::open(const std::string& run_dir) {
  Originals originals;
  originals.path_ = run_dir + "/originals";
  const auto text = read_whole(originals.path_);
  if (!text) {
    if (text.error().code == ENOENT) return originals;
    return tl::unexpected(text.error());
  }
  std::istringstream lines(*text);
  for (std::string line, subject; std::getline(lines, line);) {
    std::istringstream fields(line);
    Value value;
    // A line that was cut short by a crash came before its change: it says nothing.
    if (fields >> subject >> value.found >> value.ours) originals.values_[subject] = value;
  }
  return originals;
}

void Originals::record(const std::string& subject, const std::string& found,
                       const std::string& ours) {
  const auto place = values_.lower_bound(subject);
  const bool is_new = place == values_.end() || place->first != subject;
  if (is_new ? found == ours : place->second.ours == ours) return;
  const auto it = is_new ? values_.emplace_hint(place, subject, Value{found, ours}) : place;
  it->second.ours = ours;
  unwritten_ += fmt::format("{} {} {}\n", subject, it->second.found, ours);
}

Result<void> Originals::flush() {
  if (unwritten_.empty()) return {};
  const auto slash = path_.rfind('/');
  if (auto made = make_directories(path_.substr(0, slash)); !made) return made;
  const Fd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  const auto size = static_cast<ssize_t>(unwritten_.size());
  if (!file || ::write(file.get(), unwritten_.data(), unwritten_.size()) != size) {
    return failure("write " + path_, errno);
  }
  unwritten_.clear();
  return {};
}

std::optional<Originals::Value> Originals::find(const std::string& subject) const {
  const auto it = values_.find(subject);
  return it != values_.end() ? std::optional(it->second) : std::nullopt;
}

void Originals::forget(const std::string& subject) { values_.erase(subject); }

Result<void> Originals::rewrite() {
  if (values_.empty()) return remove_all(path_);
  std::string text;
  for (const auto& [subject, value] : values_) {
    text += fmt::format("{} {} {}\n", subject, value.found, value.ours);
  }
  return write_whole(path_, text, 0600);
}

}  // namespace novaplane::engine
