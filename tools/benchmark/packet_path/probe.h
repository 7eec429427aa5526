#pragma once

#include <array>
#include <chrono>
#include <string>

#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// What is measured of packets from one namespace to an address that leads into another one.
enum class Metric {
  kRtt,          ///< us: a UDP round trip of an established flow, two threads that wake each other
  kNewFlow,      ///< us: the same, of the first packet of a flow
  kConnect,      ///< us: TCP connect(2), until it is established
  kPacket,       ///< ns: one small UDP packet, sent as fast as it goes
  kConnections,  ///< 1/s: TCP connections, one after the other, made, accepted and closed
  kTcp,          ///< Gbit/s of one connection
  kUdp,          ///< Gbit/s in datagrams of 1,400 bytes
};
struct MetricText {
  Metric metric;
  const char *title, *unit;
  bool less_is_better;
};
inline constexpr std::array kMetrics{
    MetricText{Metric::kRtt, "RTT", "us", true},
    MetricText{Metric::kNewFlow, "RTT, new flow", "us", true},
    MetricText{Metric::kConnect, "TCP connect", "us", true},
    MetricText{Metric::kPacket, "per packet", "ns", true},
    MetricText{Metric::kConnections, "connections", "/s", false},
    MetricText{Metric::kTcp, "TCP", "Gbit/s", false},
    MetricText{Metric::kUdp, "UDP", "Gbit/s", false},
};
inline std::size_t index_of(Metric metric) { return static_cast<std::size_t>(metric); }

/// The sockets of one flow, kept from round to round. Throws when no packet arrives.
class Probe {
 public:
  /// From sockets in `client` to `address`, which leads to `server`.
  Probe(const Netns& client, const Netns& server, const std::string& address, int port);

  /// One round: some milliseconds of it. Both ends are on the calling thread's processor.
  double measure(Metric metric) const;

 private:
  double rtt() const;
  double new_flow() const;
  double connect_time() const;
  double packet_time() const;
  double connections() const;
  double tcp_throughput() const;
  double udp_throughput() const;
  /// A client's socket that is connected to the server, and the server's end of the next one.
  Fd connected(int type) const;
  Fd accepted() const;

  const Netns &client_, &server_;
  std::string address_;
  int port_, domain_;
  Fd udp_server_, tcp_server_, udp_client_;
};

/// The calling thread, and those that it starts, on one processor and before all others while it
/// lives; not before them where the kernel refuses that.
class OnProcessor {
 public:
  explicit OnProcessor(int processor);
  ~OnProcessor();
  OnProcessor(const OnProcessor&) = delete;
  bool before_others() const { return before_others_; }

 private:
  bool before_others_;
};

}  // namespace novaplane::bench
