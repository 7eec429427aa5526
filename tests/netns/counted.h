#pragma once

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// Port . reason, of those that were dropped: "tap-a 2 2 packets".
inline std::vector<std::string> counted(const Host& host) {
  const std::string json = host.nft_list("-j list set bridge novaplane drops");
  const std::regex element(
      R"re("concat": \["([^"]+)", "?(?:0:|0x)?([0-9a-f]+)"?\]\}, "counter": \{"packets": (\d+))re");
  std::vector<std::string> found;
  for (std::sregex_iterator at(json.begin(), json.end(), element), end; at != end; ++at) {
    found.push_back(fmt::format("{} {} {} packets", (*at)[1].str(),
                                std::stoi((*at)[2].str(), nullptr, 16), (*at)[3].str()));
  }
  std::ranges::sort(found);
  EXPECT_FALSE(found.empty()) << json;
  return found;
}

}  // namespace novaplane::netns
