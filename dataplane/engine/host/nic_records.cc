#include "dataplane/engine/host/nic_records.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

#include "dataplane/base/files.h"

namespace novaplane::engine {
namespace {

/// Goes on while the machine sleeps, as lifetimes do, and is not set by anybody.
std::uint32_t seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

std::optional<netlink::RawMessage> bytes_of(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  netlink::RawMessage bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* pair = digits.data() + 2 * i;
    if (std::from_chars(pair, pair + 2, bytes[i], 16).ptr != pair + 2) return std::nullopt;
  }
  return bytes;
}

}  // namespace

Result<void> NicRecords::write(const std::string& nic, const std::string& bridge,
                               const std::vector<netlink::IpConfig>& things) const {
  std::string text = fmt::format(
      "# What {} carried before it became a port of {}, as rtnetlink told it.\nbridge {}\nlisted "
      "{}\n",
      nic, bridge, bridge, seconds_now());
  for (const netlink::IpConfig& thing : things) {
    text += fmt::format("{:02x} {}\n", fmt::join(thing.message, ""), thing.text);
  }
  if (auto begun = begin(); !begun) return begun;
  return write_durably(path_of(nic), text, 0600);
}

/// Where the time of the listing is not known, nothing has run out.
std::vector<netlink::IpConfig> NicRecords::read(const std::string& nic,
                                                std::vector<std::string>* spoiled) const {
  std::vector<netlink::IpConfig> things;
  const auto text = read_whole(path_of(nic));
  if (!text) {
    if (spoiled && text.error().code != ENOENT) spoiled->push_back(text.error().message());
    return things;
  }
  const auto complain = [&](std::size_t line, std::string_view what) {
    if (spoiled) spoiled->push_back(fmt::format("{}, line {}: {}", path_of(nic), line, what));
  };
  std::istringstream lines(*text);
  const long long now = seconds_now();
  long long listed = now;
  std::size_t number = 0;
  for (std::string line, first; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    if (!(words >> first) || first == "#" || first == "bridge") continue;
    if (first == "listed") {
      long long when = 0;
      const bool is_good = static_cast<bool>(words >> when) && when <= now;
      if (is_good) listed = when;
      if (!is_good) complain(number, "not a time");
      continue;
    }
    auto message = bytes_of(first);
    auto thing = message ? netlink::ip_config_from(std::move(*message)) : std::nullopt;
    if (!thing) complain(number, fmt::format("nothing that {} can have carried", nic));
    if (thing && netlink::age(*thing, static_cast<std::uint32_t>(now - listed)))
      things.push_back(std::move(*thing));
  }
  return things;
}

Result<void> NicRecords::write_given_back(const std::string& nic, const std::string& bridge) const {
  const auto written = write(nic, bridge, {});
  return written ? written : remove(nic);  // where nothing can be written, at least nothing is old
}

std::string NicRecords::bridge_of(const std::string& nic) const {
  const auto text = read_whole(path_of(nic));
  if (!text) return {};
  std::istringstream lines(*text);
  for (std::string line, first, bridge; std::getline(lines, line);) {
    std::istringstream words(line);
    if (words >> first >> bridge && first == "bridge") return bridge;
  }
  return {};
}

std::map<std::string, std::string> NicRecords::bridges() const {
  std::map<std::string, std::string> bridges;
  for (const std::string& nic : names()) {
    if (std::string bridge = bridge_of(nic); !bridge.empty()) bridges[nic] = std::move(bridge);
  }
  return bridges;
}

Result<void> NicRecords::remove(const std::string& nic) const { return remove_all(path_of(nic)); }

Result<void> NicRecords::rename(const std::string& nic, const std::string& now) const {
  if (::rename(path_of(nic).c_str(), path_of(now).c_str()) == 0) return {};
  return tl::unexpected(Error{"rename " + path_of(nic), errno, {}});
}

Result<void> NicRecords::begin() const { return make_directories(folder_); }

std::vector<Error> NicRecords::end() const {
  std::vector<Error> failed;
  for (const std::string& nic : names()) {
    if (has_things(nic)) continue;
    if (auto removed = remove(nic); !removed) failed.push_back(std::move(removed.error()));
  }
  const bool is_gone =
      ::rmdir(folder_.c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY || !failed.empty();
  if (!is_gone) failed.push_back({"remove " + folder_, errno, {}});
  return failed;
}

/// The step of an error becomes the plan's: the file stands in the words.
tl::unexpected<Error> NicRecords::not_recorded(std::string_view sentence, const Error& why) {
  const std::string reason = why.words.empty() ? std::strerror(why.code) : why.words;
  return failure("", why.code, fmt::format("{}: {}: {}", sentence, why.step, reason));
}

bool NicRecords::may_have_moved(const std::string& nic) const {
  return has_things(nic) || ::access(folder_.c_str(), F_OK) != 0;
}

/// Also what has run out since: whatever stands on the bridge instead is the NIC's.
bool NicRecords::has_things(const std::string& nic) const {
  const auto text = read_whole(path_of(nic));
  if (!text) return false;
  std::istringstream lines(*text);
  for (std::string line, first; std::getline(lines, line);) {
    std::istringstream words(line);
    if (words >> first && first.size() > 2 * sizeof(std::uint64_t) && bytes_of(first)) return true;
  }
  return false;
}

std::vector<std::string> NicRecords::nics() const {
  auto found = names();
  std::erase_if(found, [&](const std::string& nic) { return !has_things(nic); });
  return found;
}

std::vector<std::string> NicRecords::names() const {
  auto names = list_directory(folder_).value_or(std::vector<std::string>{});
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  return names;
}

}  // namespace novaplane::engine
