#include "dataplane/nft/client.h"

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "dataplane/base/netlink_io.h"
#include "dataplane/nft/batch.h"
#include "dataplane/nft/elements.h"
#include "dataplane/nft/failures.h"
#include "dataplane/nft/generation_monitor.h"
#include "dataplane/nft/listing.h"
#include "dataplane/nft/ruleset_diff.h"
#include "dataplane/nft/ruleset_messages.h"
#include "dataplane/nft/socket.h"

namespace novaplane::nft {
namespace {

using Kind = Batch::Subject::Kind;

constexpr int kReceiveBuffer = 1024 * 1024;  ///< the answers to a batch in which everything fails

// How long one consistent listing is tried for, and the pause after the first attempt, which
// doubles: the kernel's own work on its hash tables takes a second at 100,000 elements, more on a
// busy host. Whoever has more patience asks again.
constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::milliseconds kFirstPause{1}, kLongestPause{100};
constexpr int kMostLost = 10;  ///< listings of which a part was lost, before that is an error

/// The kernel counts on and skips 0 (nf_tables_api.c, nf_tables_commit).
std::uint32_t next(std::uint32_t generation) { return generation + 1 == 0 ? 1 : generation + 1; }

/// Those that the kernel has as they are declared: what is in others could not be read.
std::vector<const Set*> sets_with_elements(const Ruleset& ruleset, const SeenTables& seen) {
  std::vector<const Set*> found;
  for (const auto* sets : {&ruleset.sets, &ruleset.idle_sets}) {
    for (const Set& set : *sets) {
      const auto& there = seen.of(set.name.family).sets;
      const auto at = there.find(set.name.name);
      const bool is_read = at != there.end() && at->second == as_seen(set) && !set.is_packets_own();
      if (is_read) found.push_back(&set);
    }
  }
  return found;
}

}  // namespace

struct Client::Impl {
  SharedRuleset ruleset;
  Socket socket;
  Batch batch;
  ElementsBySet removals, additions;
  std::optional<std::uint32_t> generation;

  Result<std::optional<Observed>> observe_once();
  tl::expected<void, CommitError> write_elements(const Transaction&);
  void note_additions(const Transaction&);
  tl::expected<void, CommitError> send(const Transaction*);
  tl::expected<void, CommitError> answers(const Transaction*);
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(SharedRuleset ruleset) {
  if (auto good = ruleset->check(); !good) return tl::unexpected(good.error());
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  socket->enlarge_receive_buffer(kReceiveBuffer);
  return Client(
      std::make_unique<Impl>(Impl{std::move(ruleset), std::move(*socket), {}, {}, {}, {}}));
}

std::optional<std::uint32_t> Client::generation() const { return impl_->generation; }
std::uint32_t Client::port_id() const { return impl_->socket.port_id(); }
const SharedRuleset& Client::ruleset() const { return impl_->ruleset; }

void Client::use(SharedRuleset ruleset) { impl_->ruleset = std::move(ruleset); }

Result<Observed> Client::observe() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  auto pause = kFirstPause;
  int lost = 0;
  do {
    auto observed = impl_->observe_once();
    const bool is_lost = !observed && observed.error().code == ENOBUFS && ++lost < kMostLost;
    if (!observed && !is_lost) return tl::unexpected(observed.error());
    if (observed && observed->has_value()) {
      impl_->generation = (*observed)->generation;
      return std::move(**observed);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  } while (std::chrono::steady_clock::now() < deadline);
  return failure("list nf_tables", EAGAIN, "they change faster than they can be listed");
}

/// None: ours changed meanwhile.
Result<std::optional<Observed>> Client::Impl::observe_once() {
  auto monitor = GenerationMonitor::open();
  if (!monitor) return tl::unexpected(monitor.error());
  Listing listing(socket);
  const auto before = listing.generation();
  if (!before) return tl::unexpected(before.error());
  Observed observed;
  for (const Family family : {Family::inet, Family::bridge}) {
    const auto table = listing.table(family);
    if (!table) return tl::unexpected(table.error());
    observed.tables.of(family) = *table;
  }
  for (const Set* set : sets_with_elements(*ruleset, observed.tables)) {
    const auto read = listing.elements(*set, observed.elements);
    if (!read) return tl::unexpected(read.error());
    if (listing.torn()) return std::nullopt;
  }
  const auto after = listing.generation();
  if (!after) return tl::unexpected(after.error());
  const auto is_whole = monitor->saw_only_others(*before, *after);
  if (!is_whole) return tl::unexpected(is_whole.error());
  if (listing.torn() || !*is_whole) return std::nullopt;
  observed.generation = *after;
  return observed;
}

Result<std::uint32_t> Client::ask_generation() { return Listing(impl_->socket).generation(); }

tl::expected<void, CommitError> Client::commit(const Transaction& transaction) {
  if (transaction.empty()) return {};
  Impl& impl = *impl_;
  impl.generation.reset();
  impl.batch.begin(transaction.generation);
  write_repair(impl.batch, *impl.ruleset, transaction.repair);
  if (auto written = impl.write_elements(transaction); !written) return written;
  write_leftovers(impl.batch, transaction.repair);
  if (auto sent = impl.send(&transaction); !sent) return sent;
  if (transaction.generation) impl.generation = next(*transaction.generation);
  return {};
}

tl::expected<void, CommitError> Client::Impl::write_elements(const Transaction& transaction) {
  removals.clear();
  additions.clear();
  for (std::size_t i = 0; i < transaction.remove.size(); ++i) {
    const Set* set = find_set(*ruleset, transaction.remove[i].set);
    if (!set) return tl::unexpected(unknown_set(transaction.remove[i], Kind::remove, i));
    removals.add(set, static_cast<std::uint32_t>(i));
  }
  for (std::size_t i = 0; i < transaction.add.size(); ++i) {
    const auto& [key, element] = transaction.add[i];
    const Set* set = find_set(*ruleset, key.set);
    if (!set) return tl::unexpected(unknown_set(key, Kind::add, i));
    if (auto good = check_element(*set, key, element, i); !good) return good;
    additions.add(set, static_cast<std::uint32_t>(i));
  }
  ElementMessages removal(batch, Kind::remove);
  removals.for_each([&](const Set& set, std::uint32_t index, std::size_t position) {
    removal.put(set, transaction.remove[index], nullptr, position);
  });
  removal.finish();
  ElementMessages addition(batch, Kind::add);
  additions.for_each([&](const Set& set, std::uint32_t index, std::size_t position) {
    addition.put(set, transaction.add[index].first, &transaction.add[index].second, position);
  });
  addition.finish();
  note_additions(transaction);
  return {};
}

/// What comes into a set with `noted_in` is put into those sets as well.
void Client::Impl::note_additions(const Transaction& transaction) {
  ElementMessages notes(batch, Kind::add);
  for (std::size_t i = 0; i < additions.sets.size(); ++i) {
    for (const std::string_view name : additions.sets[i]->noted_in) {
      const Set* set = find_set(*ruleset, {additions.sets[i]->name.family, name});
      for (const std::uint32_t index : additions.by_set[i]) {
        notes.note(*set, transaction.add[index].first, index);
      }
    }
  }
  notes.finish();
}

/// Without a transaction (the removal of the tables), elements are not what it can be about.
tl::expected<void, CommitError> Client::Impl::send(const Transaction* transaction) {
  batch.end();
  constexpr std::size_t kOverhead =
      4096;  // af_netlink.c: a message is a bit smaller than the buffer
  socket.enlarge_send_buffer(batch.size() + kOverhead);
  if (auto sent = socket.send(batch.parts()); !sent) {
    return tl::unexpected(CommitError{sent.error(), false, {}, {}});
  }
  auto answered = answers(transaction);
  batch.shrink();
  return answered;
}

/// The first error counts: others may follow from it. The last message's acknowledgement comes
/// after all errors (nfnetlink.c, nfnl_err_deliver), so alone it means that the batch is in force.
tl::expected<void, CommitError> Client::Impl::answers(const Transaction* transaction) {
  std::optional<CommitError> first;
  for (;;) {
    const auto datagram = socket.receive(first ? Socket::Wait::no : Socket::Wait::yes);
    if (!datagram) {
      discard_waiting(socket.fd());
      return tl::unexpected(first ? std::move(*first)
                                  : CommitError{datagram.error(), false, {}, {}});
    }
    if (datagram->empty()) return tl::unexpected(std::move(*first));
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_type != NLMSG_ERROR || !batch.subject(header->nlmsg_seq)) continue;
      const Answer answer = parse_answer(header);
      if (answer.code == 0 && !first && header->nlmsg_seq == batch.last_sequence()) return {};
      if (answer.code == 0 || first) continue;
      first = explain(answer, {batch, *ruleset, transaction, removals, additions});
    }
  }
}

Result<void> Client::remove_tables() {
  Impl& impl = *impl_;
  impl.generation.reset();
  impl.batch.begin(std::nullopt);
  for (const Family family : {Family::inet, Family::bridge}) write_removal(impl.batch, family);
  if (auto sent = impl.send(nullptr); !sent) return tl::unexpected(sent.error().error);
  return {};
}

}  // namespace novaplane::nft
