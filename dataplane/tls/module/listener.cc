#include "dataplane/tls/module/listener.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

namespace novaplane::tls {
namespace {

constexpr std::chrono::seconds kToShakeHands{10};
/// Whoever knocks has no certificate yet. One more ends the oldest: who is slow keeps nobody out.
constexpr std::size_t kMostShaking = 32;
/// More than all places of the daemon: those who have none are told so.
constexpr std::size_t kMostCarrying = 256;
constexpr std::chrono::seconds kPauseWithoutDescriptors{1};
constexpr int kYielding = 10;  ///< nice(2): a flood of handshakes waits for everything else

void forget_ended(auto& relays) {
  std::erase_if(relays, [](const std::weak_ptr<Relay>& one) { return one.expired(); });
}

}  // namespace

TlsListener::TlsListener(std::vector<Fd> sockets, Files files, Events events)
    : files_(std::move(files)), events_(std::move(events)) {
  for (Fd& socket : sockets) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const auto protocol = address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4();
    acceptors_.emplace_back(io_, protocol, socket.release());
  }
  thread_ = std::thread([this] { work(); });
}

TlsListener::~TlsListener() {
  io_.stop();
  thread_.join();
}

void TlsListener::reload() {
  asio::post(io_, [this] { read_files(); });
}

void TlsListener::read_files() {
  auto context = server_context(files_);
  if (!context) return events_.on_files_error(context.error().message());
  context_ = std::move(*context);
  events_.on_files_read();
}

void TlsListener::work() {
  ::pthread_setname_np(::pthread_self(), "np-tls");
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kYielding);
  reload();
  for (Acceptor& acceptor : acceptors_) {
    asio::co_spawn(io_, accept(*this, acceptor), asio::detached);
  }
  const auto work = asio::make_work_guard(io_);
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& error) {
      events_.on_client_error(error.what());
    }
  }
}

void TlsListener::make_room() {
  forget_ended(shaking_);
  forget_ended(carrying_);
  while (shaking_.size() >= kMostShaking) {
    if (const auto oldest = shaking_.front().lock()) oldest->close();
    shaking_.pop_front();
  }
}

asio::awaitable<void> TlsListener::accept(TlsListener& self, Acceptor& acceptor) {
  asio::steady_timer pause(self.io_);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (;;) {
    Tcp::socket socket(self.io_);
    Tcp::endpoint from;
    co_await acceptor.async_accept(socket, from, token);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      pause.expires_after(kPauseWithoutDescriptors);
      co_await pause.async_wait(token);
      continue;
    }
    self.make_room();
    if (!self.context_ || self.carrying_.size() >= kMostCarrying) continue;
    const auto relay = std::make_shared<Relay>(self.io_, self.context_, std::move(socket));
    self.shaking_.push_back(relay);
    asio::co_spawn(self.io_, welcome(self, relay, from.address().to_string()), asio::detached);
  }
}

asio::awaitable<void> TlsListener::welcome(TlsListener& self, std::shared_ptr<Relay> relay,
                                           std::string address) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  relay->care_for_silence();
  relay->end_after(kToShakeHands);
  co_await relay->tls().async_handshake(ssl::stream_base::server, token);
  relay->end_never();
  std::erase_if(self.shaking_, [&](const auto& one) { return one.lock() == relay; });
  if (error) {
    const bool is_late = error == asio::error::operation_aborted;
    self.events_.on_client_error(fmt::format(
        "{}: {}", address,
        is_late ? "the handshake takes too long" : words_of(error, relay->tls().native_handle())));
    co_return;
  }
  self.hand_over(*relay, std::move(address));
}

void TlsListener::hand_over(Relay& relay, std::string address) {
  Subject subject = subject_of(relay.tls().native_handle());
  subject.address = std::move(address);
  auto plain = relay.begin();
  if (!plain) return events_.on_client_error(plain.error().message());
  carrying_.push_back(relay.weak_from_this());
  events_.on_client(std::move(*plain), std::move(subject));
}

}  // namespace novaplane::tls
