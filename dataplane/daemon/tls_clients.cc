#include "dataplane/daemon/tls_clients.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "dataplane/base/printable.h"
#include "dataplane/daemon/log.h"

namespace novaplane::daemon {
namespace {

constexpr int kBacklog = 64;

struct SocketName {
  sockaddr_storage value{};
  socklen_t size = 0;
};

SocketName name_of(const ListenAddress& at) {
  SocketName name;
  if (at.address.is_v4()) {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&name.value);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(at.port);
    std::memcpy(&v4->sin_addr, at.address.bytes().data(), sizeof(v4->sin_addr));
    name.size = sizeof(sockaddr_in);
  } else {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&name.value);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(at.port);
    std::memcpy(&v6->sin6_addr, at.address.bytes().data(), sizeof(v6->sin6_addr));
    name.size = sizeof(sockaddr_in6);
  }
  return name;
}

void turn_on(int socket, int level, int option) {
  const int on = 1;
  (void)::setsockopt(socket, level, option, &on, sizeof(on));
}

/// An address need not be there yet: it may be this very daemon that brings it up (ip(7),
/// IP_FREEBIND).
Result<Fd> listen_at(const ListenAddress& at) {
  const auto failed = [&at] { return failure("listen at " + at.to_string(), errno); };
  const bool is_v4 = at.address.is_v4();
  Fd socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failed();
  turn_on(socket.get(), SOL_SOCKET, SO_REUSEADDR);
  turn_on(socket.get(), is_v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6},
          is_v4 ? IP_FREEBIND : IPV6_FREEBIND);
  if (!is_v4) turn_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);  // [::] leaves 0.0.0.0 to others
  const SocketName name = name_of(at);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name.value), name.size) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return failed();
  }
  return socket;
}

}  // namespace

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool is_port = error == std::errc() && end == digits.data() + digits.size() && port != 0;
  if (!address || !is_port || address->is_multicast() || address->is_v4() == in_brackets) {
    return std::nullopt;
  }
  return ListenAddress{*address, port};
}

std::string ListenAddress::to_string() const {
  const std::string text = address.to_string();
  return fmt::format("{}:{}", address.is_v4() ? text : '[' + text + ']', port);
}

TlsClients::TlsClients(Loop& clients, Settings settings, OnClient on_client)
    : loop_(clients), settings_(std::move(settings)), on_client_(std::move(on_client)) {}

void TlsClients::attempt() {
  if (listener_ || settings_.addresses.empty()) return;
  const auto listens = listen();
  const std::string why_not = listens ? "" : listens.error().message();
  if (why_not == told_) return;
  told_ = why_not;
  if (!listens) log::warning("nobody can ask over TLS until this works: {}", why_not);
}

/// All addresses or none: what is half there would be tried again and again beside itself.
Result<void> TlsClients::listen() {
  const auto module = tls::module();
  if (!module) return tl::unexpected(module.error());
  std::vector<Fd> sockets;
  for (const ListenAddress& address : settings_.addresses) {
    auto socket = listen_at(address);
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  watch_files();
  auto listener = (*module)->listen(std::move(sockets), settings_.files, events());
  if (!listener) return tl::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

/// What they call is the listener's thread.
tls::Listener::Events TlsClients::events() {
  std::vector<std::string> names;
  for (const ListenAddress& address : settings_.addresses) names.push_back(address.to_string());
  return {.on_client =
              [this](Fd plain, tls::Subject subject) {
                const auto shared = std::make_shared<Fd>(std::move(plain));
                loop_.post("take a client over TLS",
                           [this, shared, subject] { on_client_(std::move(*shared), subject); });
              },
          .on_client_error =
              [this](const std::string& words) {
                const auto line = lines_.admit("a client over TLS is refused: " + printable(words),
                                               LineBudget::Clock::now());
                if (line) log::warning("{}", *line);
              },
          .on_files_error =
              [](const std::string& words) {
                log::error("{}; certificates that were read before stay in use", words);
              },
          .on_files_read =
              [names] {
                log::info("answers over TLS at {}: certificates were read", fmt::join(names, ", "));
              }};
}

void TlsClients::watch_files() {
  if (!watches_.empty()) return;
  const tls::Files& files = settings_.files;
  for (const std::string& file : {files.certificate, files.key, files.authorities}) {
    watches_.push_back(std::make_unique<DocumentWatch>(loop_, file, [this] { reload(); }));
    const auto watches = watches_.back()->start();
    if (watches) continue;
    log::warning("{}: it is read again after SIGHUP alone", watches.error().message());
  }
}

void TlsClients::reload() {
  if (listener_) listener_->reload();
}

}  // namespace novaplane::daemon
