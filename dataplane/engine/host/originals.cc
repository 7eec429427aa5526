#include "dataplane/engine/host/originals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "dataplane/base/files.h"

namespace novaplane::engine {
namespace {

using Json = nlohmann::ordered_json;

struct Line {
  std::string subject;
  Originals::Value value;
};

std::optional<std::string> text_at(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? std::optional(it->get<std::string>()) : std::nullopt;
}

std::optional<Line> parse_json(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  auto subject = text_at(json, "subject"), found = text_at(json, "found"),
       ours = text_at(json, "ours");
  if (!subject || !found || !ours) return std::nullopt;
  return Line{std::move(*subject), {std::move(*found), std::move(*ours)}};
}

/// Of versions up to 0.1: three words.
std::optional<Line> parse_words(const std::string& text) {
  std::istringstream fields(text);
  Line line;
  std::string more;
  const bool has_three =
      fields >> line.subject >> line.value.found >> line.value.ours && !(fields >> more);
  return has_three ? std::optional(std::move(line)) : std::nullopt;
}

bool is_switch(const std::string& value) { return value == "0" || value == "1"; }

/// Below /proc/sys, and nowhere else.
bool is_sysctl(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.find("..") == path.npos &&
         path.find('\0') == path.npos;
}

bool makes_sense(const Line& line) {
  const auto colon = line.subject.find(':');
  if (colon == std::string::npos || colon + 1 == line.subject.size()) return false;
  const std::string what = line.subject.substr(0, colon);
  const auto& [found, ours] = line.value;
  if (what == "mtu" || what == "group") return Originals::number(found) && Originals::number(ours);
  if (what == "up" || what == "ipv6") return is_switch(found) && is_switch(ours);
  return what == "sysctl" && is_sysctl(std::string_view(line.subject).substr(colon + 1));
}

/// "net.ipv4.ip_forward was 0", as sysctl(8) and ip-link(8) name things. No value: it has been put
/// back, and the file does not know.
std::string in_words(const std::string& subject, const std::optional<Originals::Value>& value) {
  const auto colon = subject.find(':');
  const std::string what = subject.substr(0, colon);
  std::string name = subject.substr(colon + 1);
  if (what == "sysctl") {
    for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  } else if (what == "up") {
    name = "link " + name;
  } else {
    const std::string_view value_of = what == "mtu"     ? "the MTU"
                                      : what == "group" ? "the link group"
                                                        : "IPv6";
    name = fmt::format("{} of {}", value_of, name);
  }
  if (!value) return fmt::format("{} was put back, and is recorded still", name);
  const bool is_off = value->found == "0";
  const std::string found = what == "up"     ? (is_off ? "down" : "up")
                            : what == "ipv6" ? (is_off ? "off" : "on")
                                             : value->found;
  return fmt::format("{} was {}, and `novaplane down` does not put it back", name, found);
}

std::string to_text(const std::string& subject, const Originals::Value& value) {
  const Json json{{"subject", subject}, {"found", value.found}, {"ours", value.ours}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::optional<std::uint32_t> Originals::number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole ? std::optional(value) : std::nullopt;
}

Result<Originals> Originals::open(const std::string& run_dir) {
  Originals originals;
  originals.path_ = run_dir + "/originals";
  const auto text = read_whole(originals.path_);
  if (!text) {
    if (text.error().code == ENOENT) return originals;
    return tl::unexpected(text.error());
  }
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    auto parsed = line.front() == '{' ? parse_json(line) : parse_words(line);
    if (parsed && makes_sense(*parsed)) {
      originals.values_[parsed->subject] = std::move(parsed->value);
    } else {
      originals.spoiled_.push_back(
          fmt::format("{}, line {}: not a value that was found here; it cannot be put back",
                      originals.path_, number));
    }
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
  untold_.insert(subject);
  has_news_ = true;
}

std::vector<std::string> Originals::take_unrecorded(const Error& why) {
  std::vector<std::string> sentences;
  for (const std::string& subject : std::exchange(untold_, {})) {
    sentences.push_back(fmt::format("{}: {}", in_words(subject, find(subject)), why.message()));
  }
  return sentences;
}

Result<void> Originals::flush() {
  if (!has_news_) return {};
  const auto slash = path_.rfind('/');
  if (auto made = make_directories(path_.substr(0, slash)); !made) return made;
  return rewrite();
}

std::optional<Originals::Value> Originals::find(const std::string& subject) const {
  const auto it = values_.find(subject);
  return it != values_.end() ? std::optional(it->second) : std::nullopt;
}

void Originals::forget(const std::string& subject) {
  if (values_.erase(subject) == 0) return;
  untold_.insert(subject);
  has_news_ = true;
}

Result<void> Originals::rewrite() {
  std::string text;
  for (const auto& [subject, value] : values_) text += to_text(subject, value);
  auto written = values_.empty() ? remove_all(path_) : write_whole(path_, text, 0600);
  if (written) untold_.clear();
  if (written) has_news_ = false;
  return written;
}

}  // namespace novaplane::engine
