#include "nat/uplink_title.h"

#include <string_view>

namespace novaplane::nat {
namespace {

constexpr std::string_view kUplink = "uplink ";

}  // namespace

std::string uplink_title(const cloud::Host& host, const std::string& interface) {
  constexpr std::size_t kLongest = 128;  // nft::Element::comment
  std::string title;
  for (const cloud::Uplink& uplink : host.uplinks) {
    if (uplink.interface != interface) continue;
    const std::string name = std::string(title.empty() ? kUplink : ", ") + uplink.name;
    if (title.size() + name.size() <= kLongest) title += name;
  }
  return title;
}

std::string uplinks_called(const nft::Element& element) {
  const std::string_view comment = element.comment;
  return comment.starts_with(kUplink) ? std::string(comment.substr(kUplink.size())) : "";
}

}  // namespace novaplane::nat
