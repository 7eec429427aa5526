#include "tools/benchmark/packet_path/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "dataplane/base/files.h"
#include "tests/support/netns.h"

namespace novaplane::bench {
namespace {

Fd current_netns() {
  Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) throw std::runtime_error("/proc/thread-self/ns/net cannot be opened");
  return fd;
}

Fd fresh_netns() {
  const test::NetworkNamespace fresh;
  return current_netns();
}

/// What a command is given and what it says, gone with this.
struct ScratchFile {
  ScratchFile() : fd(::mkstemp(name.data())) {}
  ~ScratchFile() { ::unlink(name.c_str()); }
  std::string name = "/tmp/novaplane-bench-XXXXXX";
  Fd fd;
};

}  // namespace

Netns::Netns() : fd_(fresh_netns()), path_(fmt::format("/proc/{}/fd/{}", ::getpid(), fd_.get())) {
  sysctl("net/ipv6/conf/all/disable_ipv6", "1");
  sysctl("net/ipv6/conf/default/disable_ipv6", "1");
  ip("link set lo up\n");
}

Netns::Visit::Visit(const Netns& netns) : before_(current_netns()) {
  if (::setns(netns.fd(), CLONE_NEWNET) != 0) throw std::runtime_error("setns failed");
}

Netns::Visit::~Visit() {
  // Going on in the wrong namespace could change the machine's own network.
  if (::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

void Netns::ip(std::string_view lines) const { run("ip -batch -", lines); }
void Netns::nft(std::string_view text) const { run("nft -f -", text); }

void Netns::sysctl(const std::string& key, std::string_view value) const {
  const Visit visit(*this);
  std::ofstream file("/proc/sys/" + key);
  if (!(file << value << std::flush)) throw std::runtime_error("sysctl " + key + " failed");
}

void Netns::run(const std::string& command, std::string_view input) const {
  const ScratchFile given, said;
  std::ofstream(given.name) << input;
  const Visit visit(*this);
  const std::string line = fmt::format("{{ {} ; }} <{} >{} 2>&1", command, given.name, said.name);
  if (std::system(line.c_str()) == 0) return;
  const std::string text = read_whole(said.name).value_or("");
  constexpr std::size_t kEnough = 500;
  throw std::runtime_error(fmt::format(
      "{}: {}", command, text.size() > kEnough ? text.substr(text.size() - kEnough) : text));
}

Fd Netns::socket(int domain, int type) const {
  const Visit visit(*this);
  Fd fd(::socket(domain, type | SOCK_CLOEXEC, 0));
  if (!fd) throw std::runtime_error("no socket");
  return fd;
}

}  // namespace novaplane::bench
