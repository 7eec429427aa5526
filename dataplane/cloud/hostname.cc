#include "dataplane/cloud/hostname.h"

#include <algorithm>

namespace novaplane::cloud {

std::string dns_label(std::string_view name) {
  constexpr std::size_t kLongest = 63, kHead = 2, kTail = 60;
  std::string label(name);
  std::replace_if(
      label.begin(), label.end(), [](char c) { return c == '_' || c == '.'; }, '-');
  label.erase(label.find_last_not_of('-') + 1);
  label.erase(0, label.find_first_not_of('-'));
  if (label.size() <= kLongest) return label;
  return label.substr(0, kHead) + '-' + label.substr(label.size() - kTail);
}

}  // namespace novaplane::cloud
