#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace novaplane::security {

/// What a command prints, errors too.
inline std::string output(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t size; (size = fread(part.data(), 1, part.size(), pipe.get())) > 0;) {
    text.append(part.data(), size);
  }
  return text;
}

}  // namespace novaplane::security
