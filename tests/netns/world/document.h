#pragma once

#include <string>
#include <utility>
#include <vector>

namespace novaplane::netns {

/// One part of the document, in its order: name -> the inside of a YAML flow mapping.
///
///   document.networks["blue"] = "cidr: 10.0.0.0/24, gateway: 10.0.0.1";
class Section {
 public:
  std::string& operator[](const std::string& name);
  void erase(const std::string& name);
  void rename(const std::string& from, const std::string& to);
  void add_to_all(const std::string& words);
  bool empty() const { return entries_.empty(); }
  std::string text(const std::string& title) const;

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct Document {
  Section hosts, security_groups, networks, ports, floating_ips, port_forwards;
  std::vector<std::string> no_snat, force_snat;
  /// False: no port has it, for tests of the walls behind it.
  bool port_security = true;

  std::string text() const;  ///< YAML
};

}  // namespace novaplane::netns
