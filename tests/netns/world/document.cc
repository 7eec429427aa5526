#include "tests/netns/world/document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace novaplane::netns {

std::string& Section::operator[](const std::string& name) {
  const auto found = std::ranges::find(entries_, name, &std::pair<std::string, std::string>::first);
  return found != entries_.end() ? found->second : entries_.emplace_back(name, "").second;
}

void Section::erase(const std::string& name) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; });
}

void Section::rename(const std::string& from, const std::string& to) {
  for (auto& [name, body] : entries_) {
    if (name == from) name = to;
  }
}

void Section::add_to_all(const std::string& words) {
  for (auto& [name, body] : entries_) body += words;
}

std::string Section::text(const std::string& title) const {
  if (entries_.empty()) return {};
  std::string text = title + ":\n";
  for (const auto& [name, body] : entries_) text += fmt::format("  {}: {{{}}}\n", name, body);
  return text;
}

std::string Document::text() const {
  Section ports = this->ports;
  if (!port_security) ports.add_to_all(", port_security: false");
  std::string text = hosts.text("hosts") + security_groups.text("security_groups") +
                     networks.text("networks") + ports.text("ports") +
                     floating_ips.text("floating_ips") + port_forwards.text("port_forwards");
  if (!no_snat.empty()) text += fmt::format("no_snat: [{}]\n", fmt::join(no_snat, ", "));
  if (!force_snat.empty()) text += fmt::format("force_snat: [{}]\n", fmt::join(force_snat, ", "));
  return text;
}

}  // namespace novaplane::netns
