#include "dataplane/engine/engine.h"

/// NICs that others change while they carry the host.
namespace novaplane::engine {

/// False: what a NIC that is where it should be has got is too new.
bool Engine::is_calm(const NicMigrationKey& nic, Clock::time_point now) {
  if (calm_ == Clock::duration::zero()) return true;
  const NicMigration* wanted = tables_.nic_migrations.rows().desired(nic);
  const NicMigration* seen = tables_.nic_migrations.rows().actual(nic);
  const netlink::Link* port = view_.link(nic);
  const netlink::Link* master = port && port->master != 0 ? view_.link(port->master) : nullptr;
  if (!seen || !wanted || !master || master->name != wanted->holder) return true;
  Unrest& unrest = unrest_[nic];
  if (unrest.things != seen->things) unrest = {seen->things, now + calm_};
  return now >= unrest.until;
}

std::optional<Clock::time_point> Engine::next_retry() const {
  auto next = backoff_.next_retry();
  for (const auto& [nic, unrest] : unrest_) {
    if (!next || unrest.until < *next) next = unrest.until;
  }
  if (const auto again = next_announcement(); again && (!next || *again < *next)) next = again;
  return next;
}

}  // namespace novaplane::engine
