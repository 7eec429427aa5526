#include "hwgw/uplinks/uplink_availability.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace novaplane::hwgw {

using engine::UplinkStatus;

void UplinkAvailability::set_uplinks(const std::map<std::string, bool>& stays) {
  UplinkStatuses kept;
  for (const auto& [name, stay] : stays) {
    const auto known = statuses_.find(name), remembered = remembered_.find(name);
    if (known != statuses_.end()) {
      kept[name] = known->second;
    } else if (remembered != remembered_.end()) {
      kept[name] = remembered->second;
    } else {
      kept[name] = {};
    }
    kept[name].watched = true;
  }
  statuses_ = std::move(kept);
  stays_ = stays;
  settle();
}

bool UplinkAvailability::set_health(const std::string& uplink, Health state) {
  const auto it = statuses_.find(uplink);
  if (it == statuses_.end()) return false;
  const UplinkStatuses before = statuses_;
  UplinkStatus& status = it->second;
  const bool failed_before = status.health != Health::alive;
  status.health = state;
  if (status.health != Health::alive) status.standby = false;
  if (status.health == Health::alive && failed_before) status.standby = stays_[uplink];
  settle();
  return statuses_ != before;
}

bool UplinkAvailability::drain(const std::string& uplink, bool drained) {
  const auto it = statuses_.find(uplink);
  if (it == statuses_.end() || it->second.drained == drained) return false;
  it->second.drained = drained;
  settle();
  return true;
}

/// Where nothing else works, one that stands by is in use, and so has come back.
void UplinkAvailability::settle() {
  const bool others_work = std::any_of(statuses_.begin(), statuses_.end(), [](const auto& entry) {
    const UplinkStatus& status = entry.second;
    return status.health == Health::alive && !status.drained && !status.standby;
  });
  if (others_work) return;
  for (auto& [name, status] : statuses_) status.standby = false;
}

std::string to_text(const UplinkStatuses& statuses) {
  std::string text;
  for (const auto& [name, status] : statuses) {
    text += fmt::format("{} {}{}{}\n", name, to_string(status.health),
                        status.drained ? " drained" : "", status.standby ? " standby" : "");
  }
  return text;
}

UplinkStatuses uplink_statuses_from(std::string_view text, std::vector<std::size_t>* spoiled) {
  UplinkStatuses statuses;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    std::string name, health;
    words >> name >> health;
    const bool is_known = health == "alive" || health == "held" || health == "dead";
    if (spoiled && !is_known) spoiled->push_back(number);
    if (health.empty()) continue;
    UplinkStatus status;
    status.watched = true;
    if (health == "dead") status.health = Health::dead;
    if (health == "held") status.health = Health::held;
    for (std::string word; words >> word;) {
      status.drained |= word == "drained";
      status.standby |= word == "standby";
    }
    statuses[name] = status;
  }
  return statuses;
}

}  // namespace novaplane::hwgw
