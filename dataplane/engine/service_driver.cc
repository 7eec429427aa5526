#include "dataplane/engine/service_driver.h"

#include <algorithm>

namespace novaplane::engine {
std::string with_refusal(std::string config, std::string why) {
  std::replace(why.begin(), why.end(), '\n', ' ');
  if (!config.empty() && !config.ends_with('\n')) config += '\n';
  return config.append(kRefusal).append(why) + '\n';
}

}  // namespace novaplane::engine
