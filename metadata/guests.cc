#include "metadata/guests.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>

namespace novaplane::metadata {
namespace {

constexpr std::string_view kNone = "-";  // no name of the document (cloud/scalars.h, object_name)

std::string_view shown(const std::string& word) { return word.empty() ? kNone : word; }
std::string read(std::string_view word) { return word == kNone ? "" : std::string(word); }

/// The text up to `end`, which is cut off.
std::string_view cut(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

}  // namespace

std::string line_of(const Guest& guest) {
  return fmt::format("{} {} {} {}", guest.address, guest.port, shown(guest.instance),
                     shown(guest.project));
}

std::optional<Guest> guest_of(std::string_view line) {
  std::array<std::string_view, 4> words;
  for (auto& word : words) word = cut(line, ' ');
  const auto address = IpAddress::parse(words[0]);
  if (!address || words[1].empty() || words[3].empty() || !line.empty()) return std::nullopt;
  return Guest{*address, std::string(words[1]), read(words[2]), read(words[3])};
}

Result<Guests> guests_in(std::string_view text) {
  Guests guests;
  for (int number = 1; !text.empty(); ++number) {
    auto guest = guest_of(cut(text, '\n'));
    if (!guest) return failure(fmt::format("read line {}", number), EINVAL, "it names no guest");
    const IpAddress address = guest->address;
    guests.insert_or_assign(address, std::move(*guest));
  }
  return guests;
}

}  // namespace novaplane::metadata
