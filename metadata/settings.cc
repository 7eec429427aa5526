#include "metadata/settings.h"

#include <fmt/format.h>

#include <cerrno>
#include <sstream>

namespace novaplane::metadata {
namespace {

std::string line_of(std::string_view word, const cloud::SocketAddress& socket) {
  return fmt::format("{} {} {}\n", word, socket.address, socket.port);
}

bool read(std::istream& words, cloud::SocketAddress& socket) {
  std::string address;
  if (!(words >> address >> socket.port)) return false;
  const auto parsed = IpAddress::parse(address);
  if (parsed) socket.address = *parsed;
  return parsed.has_value();
}

bool read_line(std::istream& words, const std::string& key, Settings& settings) {
  if (key == "listen") return read(words, settings.listen);
  if (key == "server") return read(words, settings.server);
  if (key != "secret_file") return false;
  std::getline(words >> std::ws, settings.secret_file);
  return !settings.secret_file.empty();
}

}  // namespace

std::string text_of(const Settings& settings) {
  std::string text = line_of("listen", settings.listen) + line_of("server", settings.server);
  if (!settings.secret_file.empty()) text += "secret_file " + settings.secret_file + '\n';
  return text;
}

Result<Settings> settings_in(std::string_view text) {
  Settings settings;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::string key;
    if (line.starts_with('#') || !(words >> key)) continue;
    if (!read_line(words, key, settings)) {
      return failure(fmt::format("read line {}", number), EINVAL, "it says nothing known");
    }
  }
  if (settings.listen.port == 0 || settings.server.port == 0) {
    return failure("read the configuration", EINVAL, "it needs listen and server");
  }
  return settings;
}

}  // namespace novaplane::metadata
