#include "hwgw/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace novaplane::hwgw {

using engine::UplinkVerdict;

void Book::keep(const std::map<std::string, bool>& stays) {
  Verdicts kept;
  for (const auto& [name, stay] : stays) {
    const auto known = verdicts_.find(name), remembered = remembered_.find(name);
    if (known != verdicts_.end()) {
      kept[name] = known->second;
    } else if (remembered != remembered_.end()) {
      kept[name] = remembered->second;
    } else {
      kept[name] = {};
    }
    kept[name].watched = true;
  }
  verdicts_ = std::move(kept);
  stays_ = stays;
  settle();
}

bool Book::heard(const std::string& uplink, State state) {
  const auto it = verdicts_.find(uplink);
  if (it == verdicts_.end()) return false;
  const Verdicts before = verdicts_;
  UplinkVerdict& verdict = it->second;
  const bool failed_before = verdict.health != State::alive;
  verdict.health = state;
  if (verdict.health != State::alive) verdict.standby = false;
  if (verdict.health == State::alive && failed_before) verdict.standby = stays_[uplink];
  settle();
  return verdicts_ != before;
}

bool Book::drain(const std::string& uplink, bool drained) {
  const auto it = verdicts_.find(uplink);
  if (it == verdicts_.end() || it->second.drained == drained) return false;
  it->second.drained = drained;
  settle();
  return true;
}

/// Where nothing else works, one that stands by is in use, and so has come back.
void Book::settle() {
  const bool others_work = std::any_of(verdicts_.begin(), verdicts_.end(), [](const auto& entry) {
    const UplinkVerdict& verdict = entry.second;
    return verdict.health == State::alive && !verdict.drained && !verdict.standby;
  });
  if (others_work) return;
  for (auto& [name, verdict] : verdicts_) verdict.standby = false;
}

std::string to_text(const Verdicts& verdicts) {
  std::string text;
  for (const auto& [name, verdict] : verdicts) {
    text += fmt::format("{} {}{}{}\n", name, to_string(verdict.health),
                        verdict.drained ? " drained" : "", verdict.standby ? " standby" : "");
  }
  return text;
}

Verdicts verdicts_from(std::string_view text, std::vector<std::size_t>* spoiled) {
  Verdicts verdicts;
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
    UplinkVerdict verdict;
    verdict.watched = true;
    if (health == "dead") verdict.health = State::dead;
    if (health == "held") verdict.health = State::held;
    for (std::string word; words >> word;) {
      verdict.drained |= word == "drained";
      verdict.standby |= word == "standby";
    }
    verdicts[name] = verdict;
  }
  return verdicts;
}

}  // namespace novaplane::hwgw
