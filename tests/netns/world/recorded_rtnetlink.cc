#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "tests/netns/world/process.h"
#include "tests/netns/world/recorded_bytes.h"
#include "tests/netns/world/recorded_messages.h"

namespace novaplane::netns {
namespace {

/// What is listed of rtnetlink, and how it is written again.
struct Kind {
  const char* name;
  std::uint16_t type;                  ///< RTM_NEW*, before RTM_DEL* and RTM_GET*
  int flags;                           ///< of what adds it
  std::size_t header, link_at;         ///< its size, and where the link's number is; 0: nowhere
  std::vector<std::uint16_t> dropped;  ///< attributes that are ages and counters
  std::vector<std::uint16_t> links;    ///< attributes that are the number of a link
  std::vector<Bytes> questions;        ///< headers of listings
  std::function<bool(Bytes& header, const std::vector<Attribute>&)> wanted;
};

template <class Header>
auto edit(std::function<bool(Header&, const std::vector<Attribute>&)> act) {
  return [act](Bytes& bytes, const std::vector<Attribute>& attributes) {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    const bool wanted = act(header, attributes);
    std::memcpy(bytes.data(), &header, sizeof header);
    return wanted;
  };
}

template <class Header>
std::vector<Bytes> both_families(Header header) {
  std::vector<Bytes> questions;
  for (const int family : {AF_INET, AF_INET6}) {
    reinterpret_cast<std::uint8_t&>(header) = static_cast<std::uint8_t>(family);
    questions.push_back(header_of(header));
  }
  return questions;
}

bool is_route_wanted(rtmsg& route, const std::vector<Attribute>&) {
  const bool wanted = !(route.rtm_flags & RTM_F_CLONED) && route.rtm_protocol != RTPROT_KERNEL &&
                      route.rtm_type != RTN_MULTICAST;
  route.rtm_flags &= RTNH_F_ONLINK;
  return wanted;
}

bool is_neighbour_wanted(ndmsg& neighbour, const std::vector<Attribute>&) {
  return (neighbour.ndm_state & NUD_PERMANENT) || (neighbour.ndm_flags & NTF_PROXY);
}

bool is_forwarding_wanted(ndmsg& entry, const std::vector<Attribute>& attributes) {
  if (find(attributes, NDA_MASTER)) entry.ndm_flags |= NTF_MASTER;
  return find(attributes, NDA_DST) ||
         ((entry.ndm_state & NUD_NOARP) && !(entry.ndm_flags & NTF_SELF));
}

bool is_queue_wanted(tcmsg& queue, const std::vector<Attribute>& attributes) {
  queue.tcm_info = 0;
  const Bytes* kind = find(attributes, TCA_KIND);
  return kind && kind->starts_with("tbf");
}

Kind neighbours(const char* name, std::vector<Bytes> questions) {
  return {.name = name,
          .type = RTM_NEWNEIGH,
          .flags = NLM_F_CREATE | NLM_F_REPLACE,
          .header = sizeof(ndmsg),
          .link_at = offsetof(ndmsg, ndm_ifindex),
          .dropped = {NDA_CACHEINFO, NDA_PROBES},
          .links = {},
          .questions = std::move(questions),
          .wanted = edit<ndmsg>(is_neighbour_wanted)};
}

Kind forwarding() {
  ndmsg bridges{};
  bridges.ndm_family = AF_BRIDGE;
  Kind kind = neighbours("forwarding", {header_of(bridges)});
  kind.flags = NLM_F_CREATE | NLM_F_APPEND;
  kind.dropped.push_back(NDA_MASTER);
  kind.links = {NDA_IFINDEX};
  kind.wanted = edit<ndmsg>(is_forwarding_wanted);
  return kind;
}

Kind proxies() {
  ndmsg question{};
  question.ndm_flags = NTF_PROXY;
  return neighbours("proxy", both_families(question));
}

bool is_always_wanted(Bytes&, const std::vector<Attribute>&) { return true; }

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{"address",
                                      RTM_NEWADDR,
                                      NLM_F_CREATE,
                                      sizeof(ifaddrmsg),
                                      offsetof(ifaddrmsg, ifa_index),
                                      {IFA_CACHEINFO},
                                      {},
                                      both_families(ifaddrmsg{}),
                                      is_always_wanted},
                                     {"route",
                                      RTM_NEWROUTE,
                                      NLM_F_CREATE | NLM_F_APPEND,
                                      sizeof(rtmsg),
                                      0,
                                      {RTA_CACHEINFO},
                                      {RTA_OIF, RTA_IIF},
                                      both_families(rtmsg{}),
                                      edit<rtmsg>(is_route_wanted)},
                                     {"rule",
                                      RTM_NEWRULE,
                                      NLM_F_CREATE | NLM_F_EXCL,
                                      sizeof(fib_rule_hdr),
                                      0,
                                      {},
                                      {},
                                      both_families(fib_rule_hdr{}),
                                      is_always_wanted},
                                     neighbours("neighbour", both_families(ndmsg{})),
                                     proxies(),
                                     forwarding(),
                                     {"queue",
                                      RTM_NEWQDISC,
                                      NLM_F_CREATE | NLM_F_REPLACE,
                                      sizeof(tcmsg),
                                      offsetof(tcmsg, tcm_ifindex),
                                      {TCA_STATS, TCA_STATS2, TCA_XSTATS},
                                      {},
                                      {header_of(tcmsg{})},
                                      edit<tcmsg>(is_queue_wanted)}};
  return all;
}

std::string line_of(const Kind& kind, Bytes body) {
  const auto attributes = attributes_of(body, kind.header);
  Bytes header = body.substr(0, NLMSG_ALIGN(kind.header));
  if (!kind.wanted(header, attributes)) return {};
  std::string line = fmt::format("{} ", kind.name);
  if (kind.link_at == 0) {
    line += hex(header);
  } else {
    line += hex(header.substr(0, kind.link_at)) + hex_of_link(header.data() + kind.link_at) +
            hex(header.substr(kind.link_at + sizeof(int)));
  }
  for (const Attribute& attribute : attributes) {
    if (std::ranges::find(kind.dropped, attribute.type) != kind.dropped.end()) continue;
    const bool is_link = std::ranges::find(kind.links, attribute.type) != kind.links.end();
    line += is_link ? hex(bytes_of(attribute).substr(0, RTA_LENGTH(0))) +
                          hex_of_link(attribute.value.data())
                    : hex(bytes_of(attribute));
  }
  return line;
}

void send_lines(const Namespace& where, const Lines& lines, bool add) {
  where.inside([&] {
    const Talker talker(NETLINK_ROUTE);
    for (const std::string& line : lines) {
      const auto words = words_of(line);
      const auto kind = std::ranges::find_if(
          kinds(), [&](const Kind& candidate) { return words.at(0) == candidate.name; });
      if (kind == kinds().end()) throw std::runtime_error("what is that: " + line);
      const int code = talker.ask(static_cast<std::uint16_t>(kind->type + (add ? 0 : 1)),
                                  add ? kind->flags : 0, from_hex(words.at(1)));
      if (code != 0 && add) throw std::system_error(code, std::generic_category(), line);
    }
  });
}

}  // namespace

Lines list_rtnetlink(const Namespace& where) {
  Lines lines;
  where.inside([&] {
    const Talker talker(NETLINK_ROUTE);
    for (const Kind& kind : kinds())
      for (const Bytes& question : kind.questions)
        talker.list(static_cast<std::uint16_t>(kind.type + 2), question, [&](Bytes body) {
          if (auto line = line_of(kind, std::move(body)); !line.empty())
            lines.push_back(std::move(line));
        });
  });
  return lines;
}

void add_rtnetlink(const Namespace& where, const Lines& lines) { send_lines(where, lines, true); }
void delete_rtnetlink(const Namespace& where, const Lines& lines) {
  send_lines(where, lines, false);
}

}  // namespace novaplane::netns
