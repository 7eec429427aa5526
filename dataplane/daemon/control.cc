#include "dataplane/daemon/control.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dataplane/base/files.h"
#include "dataplane/base/peer.h"
#include "dataplane/base/printable.h"
#include "dataplane/daemon/control_impl.h"

/// Who is let in at the control socket.
namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kPauseWithoutDescriptors{1};
constexpr std::chrono::seconds kLookForGroupsEvery{10};

}  // namespace

/// Who is a member is asked of each peer; here it is about the groups' ids alone.
void Control::Impl::look_for_groups(const std::weak_ptr<Impl>& weak) {
  const auto impl = weak.lock();
  if (!impl) return;
  impl->accounts->find_groups([weak](const GroupIds& ids) {
    const auto waiting = weak.lock();
    if (waiting && waiting->acceptor.is_open()) waiting->admit(ids);
  });
  impl->tls->attempt();
  impl->look.after(kLookForGroupsEvery, [weak] { look_for_groups(weak); });
}

void Control::Impl::admit(const GroupIds& ids) {
  if (admitted == ids) return;
  admitted = ids;
  if (const auto admits = file.admit(ids); !admits) settings.warn(admits.error().message());
}

/// None: whoever it is has nothing to ask. The file's mode has kept him out, unless the groups have
/// changed since.
std::optional<Caller> Control::Impl::caller_at(Local::socket& socket) const {
  const auto peer = peer_of(socket.native_handle());
  const auto supplementary = groups_of_peer(socket.native_handle());
  if (!peer || !supplementary) return std::nullopt;
  const Role role = role_of(peer->uid, peer->gid, *supplementary, admitted.value_or(GroupIds()));
  if (role == Role::none) return std::nullopt;
  Caller caller{
      .role = role, .name = {}, .account = "user " + std::to_string(peer->uid), .user = peer->uid};
  if (role == Role::root) caller.name = "root@" + settings.host;
  return caller;
}

void Control::Impl::take(Fd plain, const tls::Subject& subject) {
  Local::socket socket(context);
  error_code error;
  socket.assign(Local(), plain.get(), error);
  if (error) return;
  (void)plain.release();
  const std::string& name = subject.common_name;
  Caller caller{.role = name.empty() ? Role::none : role_of(subject.organisations),
                .name = name.empty() ? "a certificate without a name (CN)" : printable(name),
                .account = "certificate " + printable(name),
                .is_remote = true};
  asio::co_spawn(context, serve(shared_from_this(), std::move(socket), std::move(caller)),
                 asio::detached);
}

asio::awaitable<void> Control::Impl::accept_client(std::shared_ptr<Impl> impl) {
  asio::steady_timer pause(impl->context);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Local::socket socket(impl->context);
  co_await impl->acceptor.async_accept(socket, token);
  if (error == asio::error::operation_aborted) co_return;
  if (error) {
    pause.expires_after(kPauseWithoutDescriptors);
    co_await pause.async_wait(token);
    co_return;
  }
  auto caller = impl->caller_at(socket);
  if (!caller) co_return;
  asio::co_spawn(impl->context, serve(impl, std::move(socket), std::move(*caller)), asio::detached);
}

/// Without it nobody could ask any more: it outlives whatever goes wrong with one client.
asio::awaitable<void> Control::Impl::accept_clients(std::shared_ptr<Impl> impl) {
  while (impl->acceptor.is_open()) {
    try {
      co_await accept_client(impl);
    } catch (const std::exception&) {
      // The client is hung up on.
    }
  }
}

Result<std::unique_ptr<Control>> Control::open(Loop& clients, Loop& decides, Settings settings,
                                               Handlers handlers) {
  if (auto made = make_directories(settings.run_dir); !made) return tl::unexpected(made.error());
  auto file = ControlFile::of(settings.run_dir);
  if (!file) return tl::unexpected(file.error());
  if (auto clear = file->clear_the_way(); !clear) return tl::unexpected(clear.error());
  auto impl = std::make_shared<Impl>(clients, decides, std::move(*file), std::move(settings),
                                     std::move(handlers));
  error_code error;
  impl->acceptor.open(Local(), error);
  if (error) return failure("listen at " + impl->file.path(), error.value());
  if (auto bound = impl->file.bind(impl->acceptor.native_handle()); !bound) {
    return tl::unexpected(bound.error());
  }
  impl->acceptor.listen(kMostClients, error);
  if (error) return failure("listen at " + impl->file.path(), error.value());
  const auto on_client = [weak = std::weak_ptr(impl)](Fd plain, const tls::Subject& subject) {
    if (const auto taking = weak.lock()) taking->take(std::move(plain), subject);
  };
  impl->tls = std::make_unique<TlsClients>(clients, impl->settings.tls, on_client);
  asio::co_spawn(clients.context(), Impl::accept_clients(impl), asio::detached);
  clients.post("look for groups", [weak = std::weak_ptr(impl)] { Impl::look_for_groups(weak); });
  return std::unique_ptr<Control>(new Control(std::move(impl)));
}

void Control::refresh() {
  impl_->clients.post("look for groups", [weak = std::weak_ptr(impl_)] {
    if (const auto impl = weak.lock()) impl->tls->reload();
    Impl::look_for_groups(weak);
  });
}

Control::~Control() {
  error_code ignored;
  impl_->acceptor.close(ignored);
  impl_->look.cancel();
  impl_->accounts.reset();
  impl_->tls.reset();
  impl_->file.remove();
}

}  // namespace novaplane::daemon
