#include "dataplane/engine/service_driver.h"

#include <algorithm>

namespace novaplane::engine {
namespace {

constexpr std::string_view kOfNetworks = "dhcp/";

}  // namespace

std::string with_refusal(std::string config, std::string why) {
  std::replace(why.begin(), why.end(), '\n', ' ');
  if (!config.empty() && !config.ends_with('\n')) config += '\n';
  return config.append(kRefusal).append(why) + '\n';
}

std::string_view program_of(const ServiceKey& key) {
  const std::string_view name = key;
  return name.starts_with(kOfNetworks) ? "dnsmasq" : name.substr(name.rfind('/') + 1);
}

std::string title_of(const ServiceKey& key) {
  const std::string program(program_of(key));
  return key.starts_with(kOfNetworks) ? program + ' ' + key : program;
}

}  // namespace novaplane::engine
