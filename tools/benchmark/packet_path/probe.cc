#include "tools/benchmark/packet_path/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "tools/benchmark/packet_path/statistics.h"

namespace novaplane::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundTrips = 200, kWarmUp = 20, kNewFlows = 100, kConnects = 60;
constexpr int kBatches = 40, kBatch = 64, kConnectionBatches = 8, kConnectionBatch = 25;
constexpr int kThroughputTimes = 8;
constexpr auto kThroughputTime = std::chrono::milliseconds(4);
constexpr std::size_t kDatagram = 1400, kSegment = 256 * 1024;
constexpr int kRoom = 8 << 20;  // of a receiver, in bytes
constexpr char kStop = 'q';

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set(const Fd& socket, int level, int option, int value) {
  if (::setsockopt(socket.get(), level, option, &value, sizeof value) != 0) fail("setsockopt");
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Empty text: any address.
Address address_of(int domain, const std::string& text, int port) {
  Address address;
  if (domain == AF_INET6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(static_cast<std::uint16_t>(port));
    if (!text.empty()) ::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr);
    address.length = sizeof in6;
  } else {
    auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    if (!text.empty()) ::inet_pton(AF_INET, text.c_str(), &in.sin_addr);
    address.length = sizeof in;
  }
  return address;
}

/// Nothing waits for longer than this for a packet that does not come.
void bound_waits(const Fd& socket) {
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(socket.get(), SOL_SOCKET, option, &patience, sizeof patience);
  }
}

void send_byte(const Fd& socket, char byte) {
  if (::send(socket.get(), &byte, 1, 0) != 1) fail("send");
}
void receive(const Fd& socket) {
  char byte;
  if (::recv(socket.get(), &byte, 1, 0) < 0) fail("no answer");
}
void round_trip(const Fd& socket) {
  send_byte(socket, 'p');
  receive(socket);
}

/// Reads what is there; the number of bytes.
std::size_t drain(const Fd& socket, std::vector<char>& buffer) {
  std::size_t all = 0;
  for (ssize_t got; (got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
    all += static_cast<std::size_t>(got);
  }
  return all;
}

/// Gbit/s of what `pass_on` says to have passed on, in bytes, once it is at full speed: the median
/// of short times, so that what comes between does not count.
template <class PassOn>
double throughput(PassOn&& pass_on) {
  std::vector<double> rates;
  for (int i = 0; i < kThroughputTimes; ++i) {
    std::size_t bytes = 0;
    const auto begin = Clock::now();
    while (Clock::now() - begin < kThroughputTime) bytes += pass_on();
    rates.push_back(static_cast<double>(bytes) * 8 / (microseconds(Clock::now() - begin) * 1000));
  }
  const double rate = quantile({rates.begin() + 1, rates.end()}, 0.5);
  if (rate == 0) throw std::runtime_error("nothing arrived");
  return rate;
}

/// Answers each datagram, until it is told to stop.
void echo(const Fd& server) {
  for (;;) {
    char byte;
    Address from{.length = sizeof(sockaddr_storage)};
    auto* const address = reinterpret_cast<sockaddr*>(&from.storage);
    if (::recvfrom(server.get(), &byte, 1, 0, address, &from.length) < 0) return;
    if (byte == kStop) return;
    ::sendto(server.get(), &byte, 1, 0, address, from.length);
  }
}

/// The echo for as long as this lives.
class Echo {
 public:
  Echo(const Fd& server, const Fd& client)
      : client_(client), thread_([&server] { echo(server); }) {}
  ~Echo() {
    const char stop = kStop;
    (void)!::send(client_.get(), &stop, 1, 0);
  }

 private:
  const Fd& client_;
  std::jthread thread_;  ///< joins after the stop was sent
};

}  // namespace

Probe::Probe(const Netns& client, const Netns& server, const std::string& address, int port)
    : client_(client),
      server_(server),
      address_(address),
      port_(port),
      domain_(address.find(':') == std::string::npos ? AF_INET : AF_INET6),
      udp_server_(server.socket(domain_, SOCK_DGRAM)),
      tcp_server_(server.socket(domain_, SOCK_STREAM)) {
  const Address any = address_of(domain_, "", port_);
  for (const Fd* socket : {&udp_server_, &tcp_server_}) {
    set(*socket, SOL_SOCKET, SO_REUSEADDR, 1);
    set(*socket, SOL_SOCKET, SO_RCVBUFFORCE, kRoom);
    bound_waits(*socket);
    if (::bind(socket->get(), any.get(), any.length) != 0) fail("bind");
  }
  if (::listen(tcp_server_.get(), kConnectionBatch) != 0) fail("listen");
  udp_client_ = connected(SOCK_DGRAM);
  const Echo answers(udp_server_, udp_client_);
  round_trip(udp_client_);
}

Fd Probe::connected(int type) const {
  Fd socket = client_.socket(domain_, type);
  bound_waits(socket);
  const Address to = address_of(domain_, address_, port_);
  if (::connect(socket.get(), to.get(), to.length) != 0) fail("connect");
  return socket;
}

Fd Probe::accepted() const {
  Fd socket(::accept4(tcp_server_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) fail("accept");
  bound_waits(socket);
  return socket;
}

double Probe::measure(Metric metric) const {
  switch (metric) {
    case Metric::kRtt:
      return rtt();
    case Metric::kNewFlow:
      return new_flow();
    case Metric::kConnect:
      return connect_time();
    case Metric::kPacket:
      return packet_time();
    case Metric::kConnections:
      return connections();
    case Metric::kTcp:
      return tcp_throughput();
    case Metric::kUdp:
      return udp_throughput();
  }
  return 0;
}

double Probe::rtt() const {
  const Echo answers(udp_server_, udp_client_);
  std::vector<double> times;
  for (int i = 0; i < kWarmUp; ++i) round_trip(udp_client_);
  for (int i = 0; i < kRoundTrips; ++i) {
    const auto begin = Clock::now();
    round_trip(udp_client_);
    times.push_back(microseconds(Clock::now() - begin));
  }
  return quantile(times, 0.5);
}

double Probe::new_flow() const {
  std::vector<Fd> sockets;
  for (int i = 0; i < kNewFlows; ++i) sockets.push_back(connected(SOCK_DGRAM));
  const Echo answers(udp_server_, udp_client_);
  std::vector<double> times;
  for (int i = 0; i < kWarmUp; ++i) round_trip(udp_client_);
  for (const Fd& socket : sockets) {
    const auto begin = Clock::now();
    round_trip(socket);
    times.push_back(microseconds(Clock::now() - begin));
  }
  return quantile(times, 0.5);
}

double Probe::connect_time() const {
  const Address to = address_of(domain_, address_, port_);
  std::vector<double> times;
  for (int i = 0; i < kConnects; ++i) {
    const Fd socket = client_.socket(domain_, SOCK_STREAM);
    bound_waits(socket);
    const auto begin = Clock::now();
    if (::connect(socket.get(), to.get(), to.length) != 0) fail("connect");
    times.push_back(microseconds(Clock::now() - begin));
    const Fd other_end = accepted();
  }
  return quantile(times, 0.5);
}

/// The kernel takes a packet through all namespaces within send(2); what arrived is read between
/// the batches. The 10th percentile of the batches is one that nothing came between.
double Probe::packet_time() const {
  const char payload[18] = {};
  std::vector<char> buffer(64);
  std::vector<double> times;
  for (int batch = 0; batch < kBatches; ++batch) {
    const auto begin = Clock::now();
    for (int i = 0; i < kBatch; ++i) {
      if (::send(udp_client_.get(), payload, sizeof payload, 0) < 0) fail("send");
    }
    times.push_back(microseconds(Clock::now() - begin) * 1000 / kBatch);
    if (drain(udp_server_, buffer) != kBatch * sizeof payload) {
      throw std::runtime_error("packets were lost");
    }
  }
  return quantile(times, 0.1);
}

double Probe::connections() const {
  const Address to = address_of(domain_, address_, port_);
  const Netns::Visit visit(client_);
  std::vector<double> rates;
  for (int batch = 0; batch < kConnectionBatches; ++batch) {
    const auto begin = Clock::now();
    for (int i = 0; i < kConnectionBatch; ++i) {
      const Fd socket(::socket(domain_, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(socket.get(), to.get(), to.length) != 0) fail("connect");
      const Fd other_end = accepted();
    }
    rates.push_back(kConnectionBatch / (microseconds(Clock::now() - begin) / 1e6));
  }
  return quantile(rates, 0.5);
}

double Probe::tcp_throughput() const {
  const Fd client = connected(SOCK_STREAM), server = accepted();
  std::vector<char> out(kSegment), in(kSegment);
  return throughput([&] {
    (void)!::send(client.get(), out.data(), out.size(), MSG_DONTWAIT);
    return drain(server, in);
  });
}

double Probe::udp_throughput() const {
  std::vector<char> out(kDatagram), in(kDatagram);
  return throughput([&] {
    for (int i = 0; i < kBatch; ++i) {
      if (::send(udp_client_.get(), out.data(), out.size(), 0) < 0) fail("send");
    }
    return drain(udp_server_, in);
  });
}

OnProcessor::OnProcessor(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processor), &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity");
  const sched_param priority{.sched_priority = 1};
  before_others_ = ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
}

OnProcessor::~OnProcessor() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_OTHER, &none);
}

}  // namespace novaplane::bench
