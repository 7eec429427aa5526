#include "dataplane/netlink/socket.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/parse.h"
#include "dataplane/netlink/queries.h"

namespace novaplane::netlink {
namespace {

constexpr std::size_t kAnswerBuffer = 1 << 20;
/// Beyond 100 messages per send nothing more is gained.
constexpr std::size_t kMostPerSend = 100;
/// What one answer takes of the buffer at most: it holds a sentence, never the request itself.
constexpr std::size_t kLargestAnswer = 2048;
constexpr int kListingAttempts = 10;

/// The kernel's verdict in NLMSG_ERROR and NLMSG_DONE: minus errno, then (in NLMSG_ERROR) the
/// header of the request, then the attributes of extack. NETLINK_CAP_ACK keeps out the request's
/// own body.
Result<void> result_of(const nlmsghdr& message) {
  const int size = message.nlmsg_type == NLMSG_ERROR ? sizeof(nlmsgerr) : sizeof(int);
  if (nlmsg_datalen(&message) < size) return failure({}, EBADMSG, "truncated answer");
  const int status = *static_cast<const int*>(nlmsg_data(&message));
  if (status >= 0) return {};
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return failure({}, -status);
  const Attributes<NLMSGERR_ATTR_MSG> extack(message, static_cast<std::size_t>(size));
  return failure({}, -status, extack.text(NLMSGERR_ATTR_MSG));
}

std::vector<int> families_of(Listing what) {
  if (what == Listing::links) return {AF_UNSPEC};
  if (what == Listing::advertised_routes) return {AF_INET6};
  if (what == Listing::forwarding) return {AF_BRIDGE};
  return {AF_INET, AF_INET6};
}

bool is_last(const nlmsghdr& message) {
  return message.nlmsg_type == NLMSG_ERROR || message.nlmsg_type == NLMSG_DONE;
}

/// The first byte of each rtnetlink header is its family.
int family_of(const nlmsghdr& message) {
  return nlmsg_datalen(&message) > 0 ? *static_cast<const std::uint8_t*>(nlmsg_data(&message)) : 0;
}

/// A kernel without the family answers with all families that it has: those are not kept twice.
void keep(const nlmsghdr& message, int family, std::vector<std::uint8_t>& listed) {
  if (family != AF_UNSPEC && family_of(message) != family) return;
  if (!is_of_interest(message)) return;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&message);
  listed.insert(listed.end(), bytes, bytes + NLMSG_ALIGN(message.nlmsg_len));
}

void tell(std::span<std::uint8_t> listed, const Observer& observer) {
  for_each_message(listed, [&](const nlmsghdr& message) {
    if (auto observation = observation_of(message)) observer(std::move(*observation));
  });
}

}  // namespace

Socket::Socket(Connection connection)
    : connection_(std::move(connection)),
      most_per_send_(
          std::clamp<std::size_t>(connection_.buffer() / kLargestAnswer, 1, kMostPerSend)) {}

Result<Socket> Socket::open() {
  auto connection = Connection::open(kAnswerBuffer);
  if (!connection) return tl::unexpected(connection.error());
  const std::pair<int, const char*> options[] = {
      {NETLINK_EXT_ACK, "NETLINK_EXT_ACK"},
      {NETLINK_CAP_ACK, "NETLINK_CAP_ACK"},
      {NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK"},
  };
  for (const auto& [option, name] : options) {
    if (const auto done = connection->enable(option, name); !done) {
      return tl::unexpected(done.error());
    }
  }
  return Socket(std::move(*connection));
}

std::vector<Result<void>> Socket::send(std::span<const Request> requests) {
  std::vector<Result<void>> results(requests.size());
  for (std::size_t at = 0; at < requests.size(); at += most_per_send_) {
    const std::size_t count = std::min(most_per_send_, requests.size() - at);
    send_some(requests.subspan(at, count), std::span(results).subspan(at, count));
  }
  return results;
}

Result<void> Socket::send(const Request& request) {
  Result<void> result;
  send_some({&request, 1}, {&result, 1});
  return result;
}

/// Only the last request asks for an acknowledgement: errors are answered always, in order, so that
/// its answer is the last one and silence before it is success.
void Socket::send_some(std::span<const Request> requests, std::span<Result<void>> results) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (const Error* refusal = requests[i].refusal()) results[i] = tl::unexpected(*refusal);
  }
  const auto sent = transmit(requests, NLM_F_ACK);
  if (sent) return collect_answers(results, *sent);
  for (auto& result : results) {
    if (result) result = tl::unexpected(sent.error());
  }
}

/// Hands all requests that are whole to the kernel, which has worked on them when this returns.
/// Returns how many requests there are up to the last one that was sent.
Result<std::size_t> Socket::transmit(std::span<const Request> requests,
                                     std::uint16_t flags_of_last) {
  std::array<iovec, kMostPerSend> parts;
  std::size_t count = 0, end = 0;
  sequence_ = next_sequence_;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    nlmsghdr& header = requests[i].header();
    header.nlmsg_seq = next_sequence_++;
    if (requests[i].refusal()) continue;
    parts[count++] = {&header, NLMSG_ALIGN(header.nlmsg_len)};
    end = i + 1;
  }
  if (count == 0) return 0;
  static_cast<nlmsghdr*>(parts[count - 1].iov_base)->nlmsg_flags |= flags_of_last;
  return connection_.send(std::span(parts).first(count)).map([&] { return end; });
}

/// The answer to the last request that was sent, the one before `end`, comes last.
void Socket::collect_answers(std::span<Result<void>> results, std::size_t end) {
  bool complete = end == 0, lost = false;
  while (!complete) {
    const auto answers = connection_.receive();
    if (!answers && answers.error().code == ENOBUFS) {
      lost = true;
      continue;
    }
    if (!answers || answers->empty()) break;
    for_each_message(*answers, [&](const nlmsghdr& answer) {
      const std::uint32_t position = answer.nlmsg_seq - sequence_;
      if (answer.nlmsg_type != NLMSG_ERROR || position >= results.size()) return;
      results[position] = result_of(answer);
      complete = position + 1 == end;
    });
  }
  if (complete && !lost) return;
  for (auto& result : results) {
    if (result) result = failure({}, ENOBUFS, "the kernel's answer was lost");
  }
}

Result<void> Socket::dump(Listing what, const Observer& observer) {
  Listed listed;
  for (const int family : families_of(what)) {
    const auto done = list(query_listing(what, family), family, listed);
    if (!done) return done;
  }
  tell(listed, observer);
  return {};
}

Result<void> Socket::dump(const Request& question, int family, const Observer& observer) {
  Listed listed;
  if (auto done = list(question, family, listed); !done) return done;
  tell(listed, observer);
  return {};
}

Result<std::vector<std::vector<std::uint8_t>>> Socket::messages(const Request& question,
                                                                int family) {
  Listed listed;
  if (auto done = list(question, family, listed); !done) return tl::unexpected(done.error());
  std::vector<std::vector<std::uint8_t>> found;
  for_each_message(listed, [&](const nlmsghdr& message) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&message);
    found.emplace_back(bytes, bytes + message.nlmsg_len);
  });
  return found;
}

Result<void> Socket::list(const Request& question, int family, Listed& listed) {
  const std::size_t before = listed.size();
  for (int attempt = 0; attempt < kListingAttempts; ++attempt) {
    const auto whole = list_once(question, family, listed);
    if (!whole) return tl::unexpected(whole.error());
    if (*whole) return {};
    listed.resize(before);
  }
  return failure({}, EBUSY, "the listing changed each time while it was read");
}

/// False: the listing changed meanwhile, or part of it was lost.
Result<bool> Socket::list_once(const Request& question, int family, Listed& listed) {
  if (question.refusal()) return tl::unexpected(*question.refusal());
  if (const auto sent = transmit({&question, 1}, 0); !sent) return tl::unexpected(sent.error());
  bool whole = true;
  std::optional<Result<void>> result;
  while (!result) {
    const auto part = connection_.receive();
    if (!part && part.error().code != ENOBUFS) return tl::unexpected(part.error());
    if (!part) whole = false;
    if (!part) continue;
    if (part->empty()) return false;
    for_each_message(*part, [&](const nlmsghdr& message) {
      if (message.nlmsg_seq != sequence_) return;
      if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
      if (is_last(message)) {
        result = result_of(message);
      } else {
        keep(message, family, listed);
      }
    });
  }
  if (!*result) return tl::unexpected(result->error());
  return whole;
}

Result<Link> Socket::link(int index) { return std::move(links({&index, 1}).front()); }

/// Each answer takes the room of a few acknowledgements.
std::vector<Result<Link>> Socket::links(std::span<const int> indexes) {
  const std::size_t at_once = std::max<std::size_t>(most_per_send_ / 4, 1);
  std::vector<Result<Link>> results(indexes.size(),
                                    failure({}, ENOBUFS, "the kernel's answer was lost"));
  for (std::size_t at = 0; at < indexes.size(); at += at_once) {
    const std::size_t count = std::min(at_once, indexes.size() - at);
    ask_some(indexes.subspan(at, count), std::span(results).subspan(at, count));
  }
  return results;
}

void Socket::ask_some(std::span<const int> indexes, std::span<Result<Link>> results) {
  std::vector<Request> requests;
  for (const int index : indexes) requests.push_back(query_link(index));
  if (const auto sent = transmit(requests, 0); !sent) {
    std::fill(results.begin(), results.end(), tl::unexpected(sent.error()));
    return;
  }
  for (;;) {
    const auto answers = connection_.receive();
    if (!answers && answers.error().code == ENOBUFS) continue;
    if (!answers || answers->empty()) return;
    for_each_message(*answers, [&](const nlmsghdr& answer) {
      const std::uint32_t position = answer.nlmsg_seq - sequence_;
      if (position >= results.size()) return;
      if (is_last(answer)) results[position] = tl::unexpected(result_of(answer).error());
      if (auto link = parse_link(answer)) results[position] = std::move(*link);
    });
  }
}

/// Any socket answers this; a message of rtnetlink would carry all that is known of the link.
Result<int> Socket::index_of(const std::string& name) const {
  ifreq request{};
  const bool fits = name.size() < sizeof(request.ifr_name);
  name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (fits && ioctl(connection_.fd(), SIOCGIFINDEX, &request) == 0) return request.ifr_ifindex;
  return failure(fmt::format("find link {}", name), fits ? errno : ENODEV);
}

}  // namespace novaplane::netlink
