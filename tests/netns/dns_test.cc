#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sys/socket.h>

#include <atomic>

#include "tests/netns/ipv6_cloud.h"

/// One dnsmasq answers all guests of a network: what one of them asks, and how, is felt by none of
/// the others.
namespace novaplane::netns {
namespace {

struct Place {
  sockaddr_storage storage{};
  socklen_t size = 0;

  Place(const std::string& address, int port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<std::uint16_t>(port));
      size = sizeof(*v4);
    } else {
      EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr), 1);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(static_cast<std::uint16_t>(port));
      size = sizeof(*v6);
    }
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Fd socket_in(const Namespace& where, const Place& place, int type) {
  return where.inside([&] { return Fd(socket(place.storage.ss_family, type | SOCK_CLOEXEC, 0)); });
}

std::string question(const std::string& name) {
  unsigned char text[512];
  const int size = res_mkquery(ns_o_query, name.c_str(), ns_c_in, ns_t_a, nullptr, 0, nullptr, text,
                               sizeof text);
  return {reinterpret_cast<char*>(text), static_cast<std::size_t>(size)};
}

/// A name server outside: names that begin with "good" are 198.51.100.7, to all others it is mute.
class NameServer {
 public:
  explicit NameServer(const Namespace& where) {
    const Place any("0.0.0.0", 53);
    socket_ = socket_in(where, any, SOCK_DGRAM);
    const int room = 4 << 20;
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    EXPECT_EQ(bind(socket_.get(), any.get(), any.size), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
  }
  int asked_in_vain() const { return asked_in_vain_; }

 private:
  void serve() {
    while (!stop_) {
      pollfd entry{socket_.get(), POLLIN, 0};
      if (poll(&entry, 1, 20) > 0) answer();
    }
  }
  void answer() {
    unsigned char text[512];
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const auto got =
        recvfrom(socket_.get(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &size);
    constexpr std::size_t kHeader = 12, kName = kHeader + 1;
    if (got <= static_cast<ssize_t>(kName)) return;
    std::string reply(reinterpret_cast<char*>(text), static_cast<std::size_t>(got));
    if (reply.substr(kName, 4) != "good") {
      ++asked_in_vain_;
      return;
    }
    reply[2] = static_cast<char>(0x84);  // an answer, from who knows
    reply[7] = 1;                        // one record
    reply += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\7", 16);
    sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }

  Fd socket_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> asked_in_vain_ = 0;
  std::thread thread_;
};

/// By its only socket it has an answer first, so that its questions are of a known flow. What
/// `other` is answered is behind them in dnsmasq's queue, so that none is lost there.
void flood(const Vm& vm, const Vm& other, const std::string& server, int questions) {
  constexpr int kAtOnce = 150;
  const Place place(server, 53);
  const Fd fd = socket_in(vm, place, SOCK_DGRAM);
  ASSERT_EQ(connect(fd.get(), place.get(), place.size), 0);
  const std::string known = question("web1.novalocal");
  ASSERT_TRUE(eventually([&] {
    send(fd.get(), known.data(), known.size(), 0);
    pollfd entry{fd.get(), POLLIN, 0};
    return poll(&entry, 1, 300) == 1;
  }));
  for (int i = 0; i < questions; ++i) {
    const std::string text = question(fmt::format("mute{}.example", i));
    send(fd.get(), text.data(), text.size(), 0);
    if (i % kAtOnce == 0) {
      ASSERT_EQ(resolve(other, server, "web1.novalocal"), "10.0.0.11");
    }
  }
}

/// A connection that is begun, and asks nothing.
Fd begun_connection(const Vm& vm, const std::string& server) {
  const Place place(server, 53);
  Fd fd = socket_in(vm, place, SOCK_STREAM | SOCK_NONBLOCK);
  connect(fd.get(), place.get(), place.size);
  return fd;
}

bool is_connected(const Fd& fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

std::ptrdiff_t connected(const std::vector<Fd>& connections) {
  return std::ranges::count_if(connections, is_connected);
}

/// Whether the server answers a question by TCP (RFC 1035, 4.2.2: behind its length).
bool answers_by_tcp(const Vm& vm, const std::string& server) {
  const Fd fd = begun_connection(vm, server);
  if (!eventually([&] { return is_connected(fd); }, kAttempt)) return false;
  const std::string text = question("web1.novalocal");
  const std::string sent = std::string(1, '\0') + static_cast<char>(text.size()) + text;
  send(fd.get(), sent.data(), sent.size(), MSG_NOSIGNAL);
  pollfd entry{fd.get(), POLLIN, 0};
  char byte;
  return poll(&entry, 1, static_cast<int>(patient(kAttempt).count())) == 1 &&
         recv(fd.get(), &byte, 1, 0) == 1;
}

class DnsTest : public Ipv6Cloud {
 protected:
  static constexpr int kQuestions = 3000;

  /// Its burst, and what came to it since; the kernel may round.
  static int share_since(Clock::time_point begin) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(Clock::now() - begin).count();
    return 510 + 100 * static_cast<int>(seconds);
  }

  DnsTest() { document.networks["blue"] += ", dhcp: {dns: [192.0.2.1]}"; }

  void up() {
    world.up();
    for (Vm* vm : {&web1, &web2}) {
      vm->configure();
      autoconfigure(*vm);
    }
  }

  static constexpr auto kServer = "10.0.0.1", kServer6 = "2001:db8:1::1";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, DnsTest, testing::Bool(), how);

/// dnsmasq looks through all open questions for each datagram: 10,000 take it 4 ms.
TEST_P(DnsTest, QuestionsOfOneGuestThatNobodyAnswersAreNotFeltByAnother) {
  const NameServer upstream(outside);
  up();
  for (const std::string server : {kServer, kServer6}) {
    const auto begin = Clock::now();
    const int before = upstream.asked_in_vain();
    flood(web1, web2, server, kQuestions);
    EXPECT_TRUE(eventually([&] { return upstream.asked_in_vain() > before; })) << "it did ask";
    const int passed = upstream.asked_in_vain() - before;
    EXPECT_LE(passed, share_since(begin));
    for (int i = 0; i < 10; ++i) {
      const std::string name = fmt::format("good{}-{}.example", server.size(), i);
      EXPECT_EQ(resolve(web2, server, name), "198.51.100.7") << server;
    }
  }
  EXPECT_EQ(eventually_equal<std::string>(
                "198.51.100.7", [&] { return resolve(web1, kServer, "good.example", kAttempt); }),
            "198.51.100.7")
      << "nor is the first one locked out";
}

TEST_P(DnsTest, ConnectionsThatOneGuestHoldsAreNotFeltByAnother) {
  up();
  for (const std::string server : {kServer, kServer6}) {
    ASSERT_TRUE(eventually([&] { return answers_by_tcp(web1, server); }));
    std::vector<Fd> held;
    for (int i = 0; i < 30; ++i) held.push_back(begun_connection(web1, server));
    EXPECT_TRUE(eventually([&] { return connected(held) >= 3; })) << "it has its share";
    EXPECT_TRUE(answers_by_tcp(web2, server)) << server;
    EXPECT_LE(connected(held), 4);
    held.clear();
    EXPECT_TRUE(eventually([&] { return answers_by_tcp(web1, server); })) << "what it ends is free";
  }
}

}  // namespace
}  // namespace novaplane::netns
