#include "metadata/proxy/proxy.h"

#include <fmt/format.h>
#include <syslog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <map>

#include "metadata/proxy/relay.h"

namespace novaplane::metadata {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kMostOfOne = 16, kMostOfAll = 1024;
constexpr std::chrono::seconds kPauseWithoutDescriptors{1}, kBetweenComplaints{10};

class Proxy {
 public:
  Proxy(asio::io_context& context, Fd listener, Shared shared, GuestsFile file)
      : context_(context),
        acceptor_(context, tcp::v4(), listener.release()),
        signals_(context, SIGHUP, SIGTERM, SIGINT),
        shared_(std::make_shared<Shared>(std::move(shared))),
        file_(std::move(file)) {
    shared_->complain = [this](const std::string& words) { complain(words); };
  }
  void start() {
    await_signal();
    asio::co_spawn(context_, accept_all(), asio::detached);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void await_signal() {
    signals_.async_wait([this](const error_code& error, int number) {
      if (error) return;
      if (number != SIGHUP) return context_.stop();
      read_again();
      await_signal();
    });
  }

  void read_again() {
    if (auto guests = file_.read()) {
      shared_->guests = std::move(*guests);
    } else {
      ::syslog(LOG_ERR, "the guests known before stay: %s", guests.error().message().c_str());
    }
  }

  void complain(const std::string& words) {
    if (Clock::now() < quiet_until_) return;
    quiet_until_ = Clock::now() + kBetweenComplaints;
    const auto& server = shared_->settings.server;
    const std::string line = fmt::format("the metadata server {} port {} does not answer: {}",
                                         server.address, server.port, words);
    ::syslog(LOG_WARNING, "%s", line.c_str());
  }

  void take(tcp::socket socket) {
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error || all_ >= kMostOfAll) return;
    const std::string address = peer.address().to_string();
    int& mine = of_one_[address];
    if (mine >= kMostOfOne) return;
    ++mine, ++all_;
    const auto leave = [this, address](const std::exception_ptr&) {
      --all_;
      if (--of_one_[address] == 0) of_one_.erase(address);
    };
    asio::co_spawn(context_, serve(shared_, std::move(socket)), leave);
  }

  asio::awaitable<void> accept_all() {
    for (;;) {
      tcp::socket socket(context_);
      error_code error;
      auto done = asio::redirect_error(asio::use_awaitable, error);
      co_await acceptor_.async_accept(socket, done);
      if (!error) {
        take(std::move(socket));
        continue;
      }
      asio::steady_timer pause(context_, kPauseWithoutDescriptors);
      co_await pause.async_wait(done);
    }
  }

  asio::io_context& context_;
  tcp::acceptor acceptor_;
  asio::signal_set signals_;
  std::shared_ptr<Shared> shared_;
  GuestsFile file_;
  std::map<std::string, int> of_one_;  ///< connections, by the guest's address
  int all_ = 0;
  Clock::time_point quiet_until_{};
};

}  // namespace

void run_proxy(Fd listener, Settings settings, std::string secret, GuestsFile file, Guests guests) {
  asio::io_context context(1);
  Proxy proxy(context, std::move(listener),
              {std::move(settings), std::move(secret), std::move(guests), {}}, std::move(file));
  proxy.start();
  context.run();
}

}  // namespace novaplane::metadata
