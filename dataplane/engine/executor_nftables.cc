#include <fmt/format.h>

#include "dataplane/engine/executor.h"

/// nf_tables: all of a plan's elements and the ruleset in one transaction.
namespace novaplane::engine {
namespace {

/// The transaction, and which step each of its elements belongs to.
struct Draft {
  nft::Transaction transaction;
  std::vector<std::size_t> remove_steps, add_steps;
};

Draft draft(const ApplyRequest& request, std::span<const Step> steps,
            std::span<const Result<void>> results) {
  Draft draft{{request.generation, request.repair, {}, {}}, {}, {}};
  draft.transaction.add.reserve(steps.size());
  draft.add_steps.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* change = std::get_if<ElementChange>(&steps[i].operation);
    if (!change || !results[i]) continue;
    if (change->before) {
      draft.transaction.remove.push_back(change->key);
      draft.remove_steps.push_back(i);
    }
    if (change->after) {
      draft.transaction.add.emplace_back(change->key, *change->after);
      draft.add_steps.push_back(i);
    }
  }
  return draft;
}

}  // namespace

/// A port that could not be detached keeps its walls, and the mark that it is ours.
void Executor::keep_elements_of_attached(const ApplyRequest& request, const Work& work) {
  if (still_attached_.empty()) return;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<ElementChange>(&work.steps[i].operation);
    const bool is_kept =
        change && !change->after &&
        still_attached_.contains(std::string(link_of(*request.ruleset, change->key)));
    if (is_kept) work.results[i] = failure("", ECANCELED, "its port is still attached");
  }
}

/// One transaction; an element that the kernel refuses is left out and the rest tried again, so
/// that one bad object does not keep the others from converging.
Executor::Committed Executor::commit(const ApplyRequest& request, const Work& work) {
  constexpr int kRefusals = 16;
  if (request.remove_tables && !still_attached_.empty()) {
    leave(work.results, "a port is still attached");
    return Committed::yes;
  }
  if (request.remove_tables) {
    give_back_forwarding();
    auto removed = nftables_.remove_tables();
    std::fill(work.results.begin(), work.results.end(), removed);
    return Committed::yes;
  }
  keep_elements_of_attached(request, work);
  for (int attempt = 0;; ++attempt) {
    Draft tried = draft(request, work.steps, work.results);
    const auto done = nftables_.commit(tried.transaction);
    if (done) return Committed::yes;
    const nft::CommitError& refused = done.error();
    std::optional<std::size_t> culprit;
    if (refused.add) culprit = tried.add_steps[*refused.add];
    if (refused.remove) culprit = tried.remove_steps[*refused.remove];
    if (refused.outdated) {  // whoever changed nf_tables: no object has failed
      leave(work.results, "nf_tables changed in between");
      return Committed::outdated;
    }
    if (!failed_transaction_) {
      failed_transaction_ = std::make_shared<nft::Transaction>(std::move(tried.transaction));
    }
    if (!culprit || attempt == kRefusals) {
      std::fill(work.results.begin(), work.results.end(), tl::unexpected(refused.error));
      return Committed::no;
    }
    work.results[*culprit] = tl::unexpected(refused.error);
    if (const Owner& owner = work.steps[*culprit].owner) without_element_.insert(*owner);
  }
}

/// Before the fence goes that keeps it to guests. restore_all() finds nothing to do then.
void Executor::give_back_forwarding() {
  for (const char* sysctl : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}) {
    const auto subject = fmt::format("sysctl:{}", sysctl);
    if (const auto value = originals_.find(subject)) (void)give_back_value(subject, *value);
  }
}

/// Translation first, address second: without its element nothing may answer for an object.
bool Executor::waits_for_element(const Step& step) const {
  return step.owner && without_element_.contains(*step.owner);
}

}  // namespace novaplane::engine
