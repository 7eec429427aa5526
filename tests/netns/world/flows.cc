#include "tests/netns/world/flows.h"

#include <filesystem>

#include <fmt/format.h>

namespace novaplane::netns {
namespace {

/// net.netfilter.nf_conntrack_max is of the whole machine, and counted in each namespace.
std::size_t most_flows(const Host& host) {
  return std::stoul(host.sysctl("net/netfilter/nf_conntrack_max"));
}

/// One line of conntrack for each; those with an answer are kept
/// (net/netfilter/nf_conntrack_core.c, early_drop).
std::string flow_lines(std::size_t number) {
  std::string lines;
  for (std::size_t i = 0; i < number; ++i)
    lines += fmt::format(
        "-I -s 10.{}.{}.{} -d 10.99.0.1 -p udp --sport 1 --dport 2 --timeout 3600 -u "
        "SEEN_REPLY,ASSURED\n",
        100 + (i >> 16), i >> 8 & 0xff, i & 0xff);
  return lines;
}

}  // namespace

void fill_flows(const Host& host) {
  const std::size_t most = most_flows(host);
  constexpr std::size_t kRoom = 100u << 16;
  if (most > kRoom) throw std::runtime_error("too many flows to fill");
  const std::string file = host.run_dir() + ".flows";
  write_file(file, flow_lines(most));
  host.run({"conntrack", "--load-file", file});  // ends where the table is full
  std::filesystem::remove(file);
  if (std::stoul(host.sysctl("net/netfilter/nf_conntrack_count")) < most)
    throw std::runtime_error("conntrack is not full");
}

void forget_flows(const Host& host) { host.run({"conntrack", "-F"}); }

}  // namespace novaplane::netns
