#include "tools/benchmark/hosts/daemon.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "dataplane/base/files.h"

namespace novaplane::bench {
namespace {

constexpr std::chrono::seconds kHangs{120};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  return address;
}

Fd unix_socket(int type) {
  Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd) throw std::runtime_error("no Unix socket");
  return fd;
}

void await_data(int fd) {
  pollfd asked{fd, POLLIN, 0};
  const int milliseconds = static_cast<int>(std::chrono::milliseconds(kHangs).count());
  if (::poll(&asked, 1, milliseconds) != 1) throw std::runtime_error("a program hangs");
}

Child start(const Netns& netns, std::vector<std::string> argv) {
  argv.insert(argv.begin(), {"/usr/bin/setpriv", "--pdeathsig", "KILL"});
  const Netns::Visit visit(netns);
  auto child = spawn(argv);
  if (!child) throw std::runtime_error(child.error().message());
  return std::move(*child);
}

}  // namespace

Program::Program(const Netns& netns, std::vector<std::string> argv)
    : child_(start(netns, std::move(argv))) {}

Program::~Program() {
  signal(SIGKILL);
  (void)child_.wait(std::chrono::steady_clock::now() + kHangs);
}

Daemon::Daemon(const Netns& netns, const std::string& program, const std::string& host,
               const std::string& run_dir, const std::vector<std::string>& source)
    : run_dir_(run_dir), notifications_(unix_socket(SOCK_DGRAM)) {
  const std::string path = run_dir + ".notify";
  std::filesystem::remove(path);
  const sockaddr_un address = address_of(path);
  if (::bind(notifications_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0) {
    throw std::runtime_error("bind " + path);
  }
  std::vector<std::string> argv = {
      "/usr/bin/env", "NOTIFY_SOCKET=" + path, program, "--host", host, "--run-dir", run_dir};
  argv.insert(argv.end(), source.begin(), source.end());
  program_.emplace(netns, argv);
}

void Daemon::await_listening() const {
  const auto end = std::chrono::steady_clock::now() + kHangs;
  const sockaddr_un address = address_of(run_dir_ + "/control.sock");
  for (;;) {
    const Fd fd = unix_socket(SOCK_STREAM);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      return;
    }
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("novaplaned does not start");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Daemon::await_ready() {
  for (;;) {
    await_data(notifications_.get());
    std::string said(4096, '\0');
    const ssize_t size = ::recv(notifications_.get(), said.data(), said.size(), 0);
    if (size > 0 &&
        said.substr(0, static_cast<std::size_t>(size)).find("READY=1") != std::string::npos) {
      return;
    }
  }
}

Daemon::Memory Daemon::memory() const {
  const auto status = read_whole(fmt::format("/proc/{}/status", program_->pid()));
  if (!status) throw std::runtime_error(status.error().message());
  const auto bytes_of = [&](const std::string& key) {
    constexpr double kKilo = 1024;
    const auto at = status->find(key);
    return at == std::string::npos ? 0 : kKilo * std::atof(status->c_str() + at + key.size());
  };
  return {bytes_of("VmRSS:"), bytes_of("VmHWM:")};
}

Fd Daemon::send(const std::string& method, const std::string& target,
                const std::string& body) const {
  Fd fd = unix_socket(SOCK_STREAM);
  const sockaddr_un address = address_of(run_dir_ + "/control.sock");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("novaplaned does not listen");
  }
  const std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: novaplane\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      method, target, target.starts_with("/v1/apply") ? "application/yaml" : "application/json",
      body.size(), body);
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t size =
        ::send(fd.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) throw std::runtime_error("novaplaned hangs up");
    sent += static_cast<std::size_t>(size);
  }
  return fd;
}

Daemon::Reply Daemon::receive(const Fd& socket) {
  std::string text;
  for (;;) {
    await_data(socket.get());
    std::string part(1 << 16, '\0');
    const ssize_t size = ::recv(socket.get(), part.data(), part.size(), 0);
    if (size <= 0) break;
    text.append(part, 0, static_cast<std::size_t>(size));
  }
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto head = text.find("\r\n\r\n");
  if (!text.starts_with(kVersion) || head == std::string::npos) {
    throw std::runtime_error("not an answer: " + text);
  }
  return {std::atoi(text.c_str() + kVersion.size()), text.substr(head + 4)};
}

Daemon::Reply Daemon::ask(const std::string& method, const std::string& target,
                          const std::string& body) const {
  return receive(send(method, target, body));
}

}  // namespace novaplane::bench
