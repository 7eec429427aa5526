#include "dataplane/netlink/rules_on.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "dataplane/netlink/attributes.h"

namespace novaplane::netlink {
namespace {

/// Empty: the rule does not name the link.
std::string text_of(const nlmsghdr& message, const std::string& link, bool ipv6) {
  const Attributes<FRA_PROTOCOL> attributes(message, sizeof(fib_rule_hdr));
  if (attributes.number<std::uint8_t>(FRA_PROTOCOL) == kOurProtocol) return {};
  const bool in = attributes.text(FRA_IIFNAME) == link;
  if (!in && attributes.text(FRA_OIFNAME) != link) return {};
  return fmt::format("{} ({} {}{})", attributes.number<std::uint32_t>(FRA_PRIORITY),
                     in ? "iif" : "oif", link, ipv6 ? ", IPv6" : "");
}

}  // namespace

Result<std::vector<std::string>> rules_on(Socket& socket, const std::string& link) {
  std::vector<std::string> found;
  for (const int family : {AF_INET, AF_INET6}) {
    fib_rule_hdr header{};
    header.family = static_cast<std::uint8_t>(family);
    Request question(RTM_GETRULE, NLM_F_DUMP, NLMSG_HDRLEN + sizeof(header));
    nlmsg_append(question.message(), &header, sizeof(header), NLMSG_ALIGNTO);
    const auto messages = socket.messages(question, family);
    if (!messages) return tl::unexpected(messages.error());
    for (const auto& message : *messages) {
      const auto& rule = *reinterpret_cast<const nlmsghdr*>(message.data());
      std::string text = text_of(rule, link, family == AF_INET6);
      if (!text.empty()) found.push_back(std::move(text));
    }
  }
  return found;
}

}  // namespace novaplane::netlink
