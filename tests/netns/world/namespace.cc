#include "tests/netns/world/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include <fmt/format.h>

#include "dataplane/base/process.h"
#include "tests/netns/world/eventually.h"

namespace novaplane::netns {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFolder = "/run/netns/";

Fd open_or_throw(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::generic_category(), path);
  return fd;
}

std::string expect_done(const std::string& what, const Outcome& outcome) {
  if (!outcome.ok()) throw ProgramFailed(what + ": " + outcome.text());
  return outcome.out;
}

ino_t inode_of(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

std::vector<pid_t> processes_in(ino_t netns) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (pid != getpid() && inode_of(entry.path() / "ns/net") == netns) found.push_back(pid);
  }
  return found;
}

void remove_namespace(const std::string& id) {
  const ino_t netns = inode_of(kFolder + id);
  for (const pid_t pid : processes_in(netns)) kill(pid, SIGKILL);
  run({.argv = {"ip", "netns", "del", id}});  // another test may have been quicker
}

void for_each_namespace(const std::function<void(const std::string&)>& act) {
  std::error_code none;
  std::vector<std::string> ids;
  for (const auto& entry : fs::directory_iterator(kFolder, none))
    ids.push_back(entry.path().filename());
  for (const auto& id : ids) act(id);
}

}  // namespace

Namespace::Visit::Visit(int fd) : before_(open_or_throw("/proc/thread-self/ns/net")) {
  if (setns(fd, CLONE_NEWNET) != 0)
    throw std::system_error(errno, std::generic_category(), "setns");
}

Namespace::Visit::~Visit() {
  // Going on in the wrong namespace could change the machine's own network.
  if (setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

Namespace::Namespace(std::string name) : id_(std::move(name)), fd_(open_or_throw(kFolder + id_)) {}

Outcome Namespace::run(std::vector<std::string> argv, Duration deadline) const {
  return netns::run({.argv = std::move(argv), .namespace_fd = fd(), .deadline = deadline});
}

std::string Namespace::ip(const std::string& words) const {
  auto argv = words_of(words);
  argv.insert(argv.begin(), "ip");
  return expect_done("ip " + words, run(argv));
}

void Namespace::ip_batch(const std::string& lines) const {
  expect_done("ip -batch",
              netns::run({.argv = {"ip", "-batch", "-"}, .namespace_fd = fd(), .input = lines}));
}

std::string Namespace::nft(const std::string& text) const {
  return expect_done(text,
                     netns::run({.argv = {"nft", "-f", "-"}, .namespace_fd = fd(), .input = text}));
}

std::string Namespace::nft_list(const std::string& words) const {
  auto argv = words_of(words);
  argv.insert(argv.begin(), "nft");
  return expect_done("nft " + words, run(argv));
}

std::string Namespace::sysctl(const std::string& key) const {
  auto text = inside([&] { return read_file("/proc/sys/" + key); });
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void Namespace::sysctl(const std::string& key, const std::string& value) const {
  inside([&] { write_file("/proc/sys/" + key, value); });
}

bool Namespace::has_link(const std::string& link) const {
  return inside([&] { return fs::exists("/proc/sys/net/ipv4/conf/" + link); });
}

std::string Namespace::mac(const std::string& link) const {
  const auto words = words_of(ip("-o link show dev " + link));
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "link/ether") return words[i + 1];
  throw ProgramFailed(link + " has no Ethernet address");
}

std::vector<pid_t> Namespace::processes(const std::string& program) const {
  auto pids = processes_in(inode_of(fmt::format("/proc/self/fd/{}", fd())));
  std::erase_if(pids, [&](pid_t pid) {
    return !program.empty() && read_file(fmt::format("/proc/{}/comm", pid)) != program + "\n";
  });
  return pids;
}

void Namespace::kill_all(const std::string& program) const {
  const auto deadline = Clock::now() + patient(kHangs);
  for (const pid_t pid : processes(program)) {
    const auto process = Process::open(pid);
    if (!process || !process->signal(SIGKILL)) continue;  // was quicker
    if (!process->ended_before(deadline)) throw std::runtime_error(program + " does not die");
  }
}

bool Namespace::pings(const std::string& address, Duration patience) const {
  const auto end = Clock::now() + patience;
  do {
    if (run({"ping", "-n", "-q", "-c", "1", "-W", "0.3", address}).ok()) return true;
  } while (Clock::now() < end);
  return false;
}

void remove_namespaces(const std::string& prefix) {
  for_each_namespace([&](const std::string& id) {
    if (id.starts_with(prefix)) remove_namespace(id);
  });
}

void remove_orphans() {
  for_each_namespace([](const std::string& id) {
    int pid = 0;
    if (sscanf(id.c_str(), "np%d-", &pid) != 1 || pid <= 0) return;
    if (!fs::exists(fmt::format("/proc/{}", pid))) remove_namespace(id);
  });
}

void ip_batch(const std::string& lines) {
  expect_done("ip -batch", run({.argv = {"ip", "-batch", "-"}, .input = lines}));
}

}  // namespace novaplane::netns
