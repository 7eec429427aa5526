#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dataplane/base/exception.h"
#include "dataplane/daemon/control_impl.h"

/// How a client waits for whoever answers it.
namespace novaplane::daemon {
namespace {

/// The deciding loop answers at once unless it is at work: then what is known will do.
constexpr std::chrono::milliseconds kFreshStatus{5};

}  // namespace

/// The gate is the clients' loop's alone, and so is its end.
struct Control::Answer::Promise {
  explicit Promise(const std::shared_ptr<Gate>& gate) : context(gate->context), gate(gate) {}
  ~Promise() {
    try {
      if (!gate.expired()) keep(error_reply(http::status::internal_server_error, "given up"));
    } catch (const std::exception&) {
      // Its client waits for its own deadline.
    }
  }
  void keep(Reply reply) const;

  asio::io_context& context;
  std::weak_ptr<Gate> gate;
};

/// The first reply counts.
void Control::Answer::Promise::keep(Reply reply) const {
  if (gate.expired()) return;
  asio::post(context, [gate = gate, reply = std::move(reply)]() mutable {
    if (const auto waiting = gate.lock()) waiting->open(std::move(reply));
  });
}

Control::Answer::Answer(const std::shared_ptr<Gate>& gate)
    : promise_(std::make_shared<Promise>(gate)) {}

void Control::Answer::operator()(Reply reply) const { promise_->keep(std::move(reply)); }
bool Control::Answer::is_awaited() const { return !promise_->gate.expired(); }

/// A wait that is cancelled, as all are when the socket is closed, does not touch the socket.
void Control::Answer::Gate::watch(const std::shared_ptr<Gate>& gate, Local::socket& socket) {
  const auto on_event = [weak = std::weak_ptr(gate), &socket](const error_code& error) {
    const auto waiting = weak.lock();
    if (error || !waiting) return;
    if (!has_hung_up(socket)) return watch(waiting, socket);
    waiting->has_gone = true;
    waiting->timer.cancel();
  };
  socket.async_wait(Local::socket::wait_error, on_event);
}

/// What the deciding loop is to be asked.
Control::Impl::Question Control::Impl::question_of(const std::string& target) const {
  if (target == "/status") return handlers.status;
  if (target == "/show") return handlers.show;
  if (target == "/uplinks") return handlers.uplinks;
  if (const auto drain = drain_of(target)) {
    return [this, drain = *drain](Answer answer) {
      handlers.drain(drain.first, drain.second, std::move(answer));
    };
  }
  return [this, target](Answer answer) { handlers.pass(target, std::move(answer)); };
}

/// A question that throws is answered with that, and told to the loop as any task's error.
void Control::Impl::ask(const char* name, Question question, const Answer& answer) {
  decides.post(name, [question = std::move(question), answer, name] {
    if (!answer.is_awaited()) return;
    try {
      question(answer);
    } catch (...) {
      answer(error_reply(http::status::internal_server_error, error_of_exception(name).message()));
      throw;
    }
  });
}

/// None: the client has hung up, or the time was over.
asio::awaitable<Control::Impl::Given> Control::Impl::awaited(std::shared_ptr<Answer::Gate> gate,
                                                             Local::socket& socket) {
  Answer::Gate::watch(gate, socket);
  error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  if (!gate->reply && !gate->has_gone) co_await gate->timer.async_wait(token);
  Given reply = std::move(gate->reply);
  co_return reply;
}

/// Waits for the deciding loop without holding that of clients. None: the client has hung up.
asio::awaitable<Control::Impl::Given> Control::Impl::answered(std::shared_ptr<Impl> impl,
                                                              Local::socket& socket,
                                                              std::string target) {
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  const bool is_status = target == "/status";
  const bool is_pass = waits_for_pass(target);
  if (is_status) gate->timer.expires_after(kFreshStatus);
  if (!is_status && !is_pass) gate->timer.expires_after(kLongestAnswer);
  impl->ask(is_pass ? "ask for a pass" : "answer a request", impl->question_of(target),
            Answer(gate));
  Given reply = co_await awaited(gate, socket);
  if (gate->has_gone) co_return std::nullopt;
  if (!reply && is_status) reply = Reply{200, impl->handlers.known_status()};
  if (!reply) {
    reply = error_reply(http::status::service_unavailable,
                        "novaplaned is at work: it did not answer within a minute");
  }
  co_return reply;
}

}  // namespace novaplane::daemon
