#include "dataplane/base/error.h"

#include <cstring>

namespace novaplane {

std::string Error::message() const {
  std::string text = step;
  const std::string reason = !words.empty() ? words : code != 0 ? std::strerror(code) : "";
  if (!reason.empty()) text += (text.empty() ? "" : ": ") + reason;
  if (const char* name = code != 0 ? strerrorname_np(code) : nullptr) {
    text += fmt::format(" ({})", name);
  }
  return text;
}

}  // namespace novaplane
