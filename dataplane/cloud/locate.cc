#include <map>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/yaml.h"

namespace novaplane::cloud {
namespace {

struct Spot {
  Place key, value;
};

/// Follows the events and remembers where the wanted paths are.
class Locator {
 public:
  explicit Locator(std::map<Path, Spot>& wanted) : wanted_(wanted) {}

  void on(const Event& event) {
    if (event.closes()) return leave();
    if (!levels_.empty() && levels_.back().awaits_key) return on_key(event);
    on_value(event);
  }

 private:
  struct Level {
    bool is_map = false;
    bool awaits_key = false;
    std::size_t index = 0;
    Place key;
  };

  void on_key(const Event& event) {
    Level& level = levels_.back();
    level.key = event.place;
    path_.back() = canonical(event.text);
    level.awaits_key = false;
    if (!event.opens()) return;
    enter(event);
  }

  void on_value(const Event& event) {
    if (!levels_.empty()) {
      Level& level = levels_.back();
      level.awaits_key = level.is_map;
      if (!level.is_map) {
        path_.back() = "[" + std::to_string(level.index++) + "]";
        level.key = event.place;
      }
    }
    note(event.place);
    if (event.opens()) enter(event);
  }

  void note(Place value) {
    const auto spot = wanted_.find(path_);
    if (spot == wanted_.end() || spot->second.value != Place{}) return;
    spot->second = {levels_.empty() ? value : levels_.back().key, value};
  }

  void enter(const Event& event) {
    const bool is_map = event.kind == Event::Kind::open_map;
    levels_.push_back({.is_map = is_map, .awaits_key = is_map, .key = {}});
    path_.emplace_back();
  }

  void leave() {
    levels_.pop_back();
    path_.pop_back();
  }

  /// Floating IPs are known by their address, however it was written.
  std::string canonical(std::string_view key) const {
    const bool is_address = path_.size() == 2 && path_.front() == "floating_ips";
    const auto address = is_address ? IpAddress::parse(key) : std::nullopt;
    return address ? address->to_string() : std::string(key);
  }

  std::map<Path, Spot>& wanted_;
  std::vector<Level> levels_;
  Path path_;
};

/// The place of the value, or the key of what should hold it.
Place place_of(const Finding& finding, const std::map<Path, Spot>& spots) {
  Path path = finding.path;
  for (bool whole = true; !path.empty(); whole = false, path.pop_back()) {
    const auto spot = spots.find(path);
    if (spot == spots.end() || spot->second.value == Place{}) continue;
    return whole && !finding.at_key ? spot->second.value : spot->second.key;
  }
  return {1, 1};
}

}  // namespace

void locate(const std::string& text, std::vector<Finding>& findings) {
  std::map<Path, Spot> spots;
  for (const Finding& finding : findings) {
    if (finding.place != Place{}) continue;
    for (Path path = finding.path; !path.empty(); path.pop_back()) spots.try_emplace(path);
  }
  if (spots.empty()) return;
  Locator locator(spots);
  read_yaml(text, [&](const Event& event) { locator.on(event); });
  for (Finding& finding : findings) {
    if (finding.place == Place{}) finding.place = place_of(finding, spots);
  }
}

}  // namespace novaplane::cloud
