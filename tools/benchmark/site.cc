#include "tools/benchmark/site.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include <filesystem>
#include "tests/support/netns.h"

namespace novaplane::bench {
namespace {

Fd current_netns() {
  Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) give_up("open /proc/thread-self/ns/net");
  return fd;
}

Fd fresh_netns() {
  const test::NetworkNamespace fresh;
  return current_netns();
}

std::string fresh_directory() {
  std::string name = "/tmp/novaplane-bench-XXXXXX";
  if (!::mkdtemp(name.data())) give_up("make a run directory");
  return name;
}

}  // namespace

void give_up(std::string_view what) { throw GivenUp(std::string(what)); }

Site::Visit::Visit(const Site& site) : before_(current_netns()) {
  if (::setns(site.netns_.get(), CLONE_NEWNET) != 0) give_up("enter a network namespace");
}

Site::Visit::~Visit() {
  // Going on in the wrong namespace could change the machine's own network.
  if (::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

Site::Site() : netns_(fresh_netns()), run_dir_(fresh_directory()) {
  ip("link set lo up\n"
     "link add eth0 type veth peer name world\n"
     "address add 192.0.2.11/24 dev eth0\n"
     "link set eth0 up\n"
     "link set world up\n");
}

Site::~Site() {
  std::error_code ignored;
  std::filesystem::remove_all(run_dir_, ignored);
}

void Site::ip(const std::string& commands) const {
  const Visit visit(*this);
  FILE* program = ::popen("ip -batch -", "w");
  if (!program) give_up("start ip");
  std::fwrite(commands.data(), 1, commands.size(), program);
  if (::pclose(program) != 0) give_up("ip -batch failed");
}

}  // namespace novaplane::bench
