#include <fmt/format.h>

#include "dataplane/engine/apply.h"

/// nf_tables: all of a plan's elements and the ruleset in one transaction.
namespace novaplane::engine {
namespace {

// Without the rules nothing may join, answer or be reached. Translation first, address second:
// without its element nothing may answer for an object.
constexpr const char* kNotWritten = "nf_tables could not be written";
constexpr const char* kRefused = "its nf_tables element was refused";

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

/// A port that could not be detached keeps its walls, and the mark that it is ours.
void keep_elements_of_attached(ApplyContext& pass, const Work& work) {
  const auto& still_attached = pass.states.attachments.still_attached;
  if (still_attached.empty()) return;
  for (std::size_t i = 0; i < work.steps.size(); ++i) {
    const auto* change = std::get_if<ElementChange>(&work.steps[i].operation);
    const bool is_kept =
        change && !change->after &&
        still_attached.contains(std::string(link_of(*pass.request->ruleset, change->key)));
    if (is_kept) work.results[i] = failure("", ECANCELED, "its port is still attached");
  }
}

/// One transaction; an element that the kernel refuses is left out and the rest tried again, so
/// that one bad object does not keep the others from converging.
void commit(ApplyContext& pass, const Work& work) {
  const ApplyRequest& request = *pass.request;
  constexpr int kRefusals = 16;
  if (request.remove_tables && !pass.states.attachments.still_attached.empty()) {
    return work.leave("a port is still attached");
  }
  if (request.remove_tables) {
    SysctlKind::give_back_forwarding(pass);
    auto removed = pass.nftables.remove_tables();
    return std::fill(work.results.begin(), work.results.end(), removed);
  }
  keep_elements_of_attached(pass, work);
  for (int attempt = 0;; ++attempt) {
    Draft tried = draft(request, work.steps, work.results);
    const auto done = pass.nftables.commit(tried.transaction);
    if (done) return;
    const nft::CommitError& refused = done.error();
    std::optional<std::size_t> culprit;
    if (refused.add) culprit = tried.add_steps[*refused.add];
    if (refused.remove) culprit = tried.remove_steps[*refused.remove];
    if (refused.outdated) {  // whoever changed nf_tables: no object has failed
      work.leave("nf_tables changed in between");
      pass.outdated = true;
      pass.ended = kNotWritten;
      return;
    }
    if (!pass.failed_transaction) {
      pass.failed_transaction = std::make_shared<nft::Transaction>(std::move(tried.transaction));
    }
    if (!culprit || attempt == kRefusals) {
      pass.ended = kNotWritten;
      return std::fill(work.results.begin(), work.results.end(), tl::unexpected(refused.error));
    }
    work.results[*culprit] = tl::unexpected(refused.error);
    if (const Owner& owner = work.steps[*culprit].owner) pass.held_back[*owner] = kRefused;
  }
}

}  // namespace

void ElementKind::write_all(ApplyContext& pass, const Work& work) {
  commit(pass, work);
  pass.generation = pass.nftables.generation();
}

}  // namespace novaplane::engine
