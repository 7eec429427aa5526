#include "dataplane/netlink/rules_on.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "dataplane/netlink/attributes.h"

namespace novaplane::netlink {
namespace {

using RuleAttributes = Attributes<FRA_PROTOCOL>;

/// Of both families, in words, those that are not ours and of which `what` has something to say.
template <class What>
Result<std::vector<std::string>> others_rules(Socket& socket, What&& what) {
  std::vector<std::string> found;
  for (const int family : {AF_INET, AF_INET6}) {
    fib_rule_hdr header{};
    header.family = static_cast<std::uint8_t>(family);
    Request question(RTM_GETRULE, NLM_F_DUMP, NLMSG_HDRLEN + sizeof(header));
    put_header(question, header);
    const auto messages = socket.messages(question, family);
    if (!messages) return tl::unexpected(messages.error());
    for (const auto& message : *messages) {
      const RuleAttributes rule(*reinterpret_cast<const nlmsghdr*>(message.data()),
                                sizeof(fib_rule_hdr));
      if (rule.number<std::uint8_t>(FRA_PROTOCOL) == kOurProtocol) continue;
      const std::string words = what(rule);
      if (words.empty()) continue;
      found.push_back(fmt::format("{} ({}{})", rule.number<std::uint32_t>(FRA_PRIORITY), words,
                                  family == AF_INET6 ? ", IPv6" : ""));
    }
  }
  return found;
}

}  // namespace

Result<std::vector<std::string>> rules_on(Socket& socket, const std::string& link) {
  return others_rules(socket, [&](const RuleAttributes& rule) -> std::string {
    if (rule.text(FRA_IIFNAME) == link) return "iif " + link;
    return rule.text(FRA_OIFNAME) == link ? "oif " + link : "";
  });
}

Result<std::vector<std::string>> rules_by_mark(Socket& socket, std::uint32_t bits) {
  return others_rules(socket, [&](const RuleAttributes& rule) -> std::string {
    const auto mask = rule.number<std::uint32_t>(FRA_FWMASK);
    if ((mask & bits) == 0) return "";
    return fmt::format("fwmark {:#x}/{:#x}", rule.number<std::uint32_t>(FRA_FWMARK), mask);
  });
}

}  // namespace novaplane::netlink
