#pragma once

#include <linux/netlink.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/netlink_calls.h"

namespace novaplane::test {

/// The kernel, but for what a test has told it to lose, cut or refuse. In force for as long as it
/// lives, in all threads.
///
///   test::ScriptedKernel kernel;
///   kernel.fail_receive(ENOBUFS);       // the next receive says that something was lost
///   kernel.refuse({.type = RTM_NEWROUTE, .code = EPERM, .words = "not today"});
class ScriptedKernel : public NetlinkCalls {
 public:
  /// Datagrams of one protocol alone (NETLINK_ROUTE), or of all.
  explicit ScriptedKernel(int protocol = kAny) : protocol_(protocol), in_force_(*this) {}

  void fail_send(int code, int times = 1) { push(sends_, code, times); }
  void fail_receive(int code, int times = 1) { push(receives_, code, times); }
  using Datagram = std::span<std::byte>;
  /// Which datagrams are meant: by the socket, and by what is in them.
  using Which = std::function<bool(int socket, Datagram)>;
  static bool any(int, Datagram) { return true; }
  static Which of_socket(int wanted) {
    return [wanted](int socket, Datagram) { return socket == wanted; };
  }
  /// As Senders name theirs.
  static Which of_port(std::uint32_t port) {
    return [port](int socket, Datagram) {
      sockaddr_nl address{};
      socklen_t size = sizeof(address);
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
      return address.nl_pid == port;
    };
  }
  static Which both(Which a, Which b) {
    return [a = std::move(a), b = std::move(b)](int socket, Datagram datagram) {
      return a(socket, datagram) && b(socket, datagram);
    };
  }
  /// With a message of that type.
  static Which with(std::uint16_t type) {
    return [type](int, Datagram datagram) {
      bool found = false;
      for_each_message(datagram, [&](nlmsghdr& header) { found |= header.nlmsg_type == type; });
      return found;
    };
  }
  /// Loses the next datagrams that have arrived, as the kernel does where there is no room for it.
  void lose(int times = 1, const Which& which = any) {
    for (int i = 0; i < times; ++i) edit([](Datagram) { return kLost; }, which);
  }
  /// Cuts the next datagram in the middle, inside a message; the second half never comes.
  void halve() { edit(cut_message); }
  /// "The listing changed while it was read", in each message of so many datagrams.
  void interrupt(int times = 1, const Which& which = any) {
    for (int i = 0; i < times; ++i) edit(mark_interrupted, which);
  }
  /// What is done to the next datagram, on the thread that receives it; returns how much of it is
  /// left.
  using Change = std::function<std::size_t(Datagram)>;
  void edit(Change change, Which which = any) {
    const std::lock_guard lock(mutex_);
    edits_.push_back({std::move(which), std::move(change)});
  }
  /// As `edit` calls it.
  static std::size_t mark_interrupted(Datagram datagram) {
    for_each_message(datagram, [](nlmsghdr& header) { header.nlmsg_flags |= NLM_F_DUMP_INTR; });
    return datagram.size();
  }
  struct Refusal {
    std::uint16_t type;  ///< of the request
    int code;
    std::string words = {};    ///< as extack has them
    std::string holding = {};  ///< only requests in which these bytes are
    int times = 1;
  };
  static constexpr int kAlways = std::numeric_limits<int>::max();
  /// Requests like that never arrive; each is answered with the errno.
  void refuse(Refusal refusal) {
    const std::lock_guard lock(mutex_);
    refused_.push_back(std::move(refusal));
  }
  /// No more of them.
  void refuse_nothing() {
    const std::lock_guard lock(mutex_);
    refused_.clear();
  }
  int times_refused() {
    const std::lock_guard lock(mutex_);
    return times_refused_;
  }
  /// Nothing of the script is left.
  bool is_done() {
    const std::lock_guard lock(mutex_);
    return sends_.empty() && receives_.empty() && edits_.empty() && answers_.empty();
  }

  ssize_t send(int socket, const msghdr& message) override {
    if (const int code = next(sends_, socket)) return fail(code);
    msghdr rest = message;
    std::vector<iovec> parts;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
      const iovec& part = message.msg_iov[i];
      for_each_message({static_cast<std::byte*>(part.iov_base), part.iov_len}, [&](nlmsghdr& one) {
        if (!refuses(socket, one)) parts.push_back({&one, NLMSG_ALIGN(one.nlmsg_len)});
      });
    }
    if (parts.empty()) return 0;  // the answers are all that there is
    rest.msg_iov = parts.data();
    rest.msg_iovlen = parts.size();
    return NetlinkCalls::send(socket, rest);
  }

  ssize_t receive(int socket, msghdr& message) override {
    if (const int code = next(receives_, socket)) return fail(code);
    if (const ssize_t early = answer(socket, message, false); early > 0) return early;
    const ssize_t size = NetlinkCalls::receive(socket, message);
    if (size < 0 && errno == EAGAIN) return answer(socket, message, true);
    if (size <= 0 || message.msg_iovlen == 0 || !is_meant(socket)) return size;
    const Datagram datagram(static_cast<std::byte*>(message.msg_iov->iov_base),
                            static_cast<std::size_t>(size));
    const Change change = next_edit(socket, datagram);
    if (!change) return size;
    const std::size_t left = change(datagram);
    return left == kLost ? fail(ENOBUFS) : static_cast<ssize_t>(left);
  }

 private:
  static constexpr int kAny = -1;
  static constexpr std::size_t kLost = static_cast<std::size_t>(-1);
  static ssize_t fail(int code) {
    errno = code;
    return -1;
  }
  void push(std::deque<int>& codes, int code, int times) {
    const std::lock_guard lock(mutex_);
    codes.insert(codes.end(), static_cast<std::size_t>(times), code);
  }
  int next(std::deque<int>& codes, int socket) {
    const std::lock_guard lock(mutex_);
    if (codes.empty() || !is_meant(socket)) return 0;
    const int code = codes.front();
    codes.pop_front();
    return code;
  }
  bool is_meant(int socket) const {
    int protocol = 0;
    socklen_t size = sizeof(protocol);
    getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
    return protocol_ == kAny || protocol == protocol_;
  }

  static std::size_t cut_message(std::span<std::byte> datagram) {
    std::size_t at = 0;
    for (nlmsghdr header; at < datagram.size() / 2; at += NLMSG_ALIGN(header.nlmsg_len)) {
      std::memcpy(&header, datagram.data() + at, sizeof(header));
      if (at + NLMSG_ALIGN(header.nlmsg_len) >= datagram.size()) break;
    }
    return at + sizeof(nlmsghdr) / 2;
  }
  template <class F>
  static void for_each_message(Datagram datagram, F f) {
    std::size_t left = datagram.size();
    auto* header = reinterpret_cast<nlmsghdr*>(datagram.data());
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) f(*header);
  }
  /// The first edit that means the datagram; it is done once.
  Change next_edit(int socket, Datagram datagram) {
    const std::lock_guard lock(mutex_);
    for (auto found = edits_.begin(); found != edits_.end(); ++found) {
      if (!found->which(socket, datagram)) continue;
      Change change = std::move(found->change);
      edits_.erase(found);
      return change;
    }
    return {};
  }

  bool refuses(int socket, const nlmsghdr& request) {
    const std::lock_guard lock(mutex_);
    if (!is_meant(socket)) return false;
    const std::string_view bytes(reinterpret_cast<const char*>(&request), request.nlmsg_len);
    for (Refusal& refusal : refused_) {
      if (refusal.times == 0 || refusal.type != request.nlmsg_type) continue;
      if (bytes.find(refusal.holding) == std::string_view::npos) continue;
      --refusal.times;
      ++times_refused_;
      // Answers come in the order of requests, and who asks for one waits for the last.
      const bool is_last = (request.nlmsg_flags & NLM_F_ACK) != 0;
      answers_.push_back({socket, is_last, error(request, refusal)});
      return true;
    }
    return false;
  }

  /// NLMSG_ERROR with the words as the kernel puts them behind the request's header.
  static std::string error(const nlmsghdr& request, const Refusal& refusal) {
    const std::size_t words = refusal.words.size() + 1;
    nlmsghdr header{};
    header.nlmsg_len =
        static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof(nlmsgerr)) + NLA_HDRLEN + NLA_ALIGN(words));
    header.nlmsg_type = NLMSG_ERROR;
    header.nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
    header.nlmsg_seq = request.nlmsg_seq;
    const nlmsgerr verdict{-refusal.code, request};
    const nlattr extack{static_cast<std::uint16_t>(NLA_HDRLEN + words), NLMSGERR_ATTR_MSG};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes.append(reinterpret_cast<const char*>(&verdict), sizeof(verdict));
    bytes.append(reinterpret_cast<const char*>(&extack), sizeof(extack));
    bytes += refusal.words;
    bytes.resize(header.nlmsg_len);
    return bytes;
  }

  ssize_t answer(int socket, msghdr& message, bool last) {
    const std::lock_guard lock(mutex_);
    for (auto found = answers_.begin(); found != answers_.end(); ++found) {
      if (found->socket != socket || found->last != last || message.msg_iovlen == 0) continue;
      const std::string bytes = std::move(found->bytes);
      answers_.erase(found);
      std::memcpy(message.msg_iov->iov_base, bytes.data(), bytes.size());
      if (message.msg_name) static_cast<sockaddr_nl*>(message.msg_name)->nl_pid = 0;
      return static_cast<ssize_t>(bytes.size());
    }
    return fail(EAGAIN);
  }

  struct Answer {
    int socket;
    bool last;  ///< comes when the kernel has nothing more to say
    std::string bytes;
  };

  std::mutex mutex_;
  const int protocol_;
  std::deque<int> sends_, receives_;
  struct Edit {
    Which which;
    Change change;
  };
  std::deque<Edit> edits_;
  std::vector<Refusal> refused_;
  int times_refused_ = 0;
  std::vector<Answer> answers_;
  UseNetlinkCalls in_force_;
};

}  // namespace novaplane::test
