#include "dataplane/store/commit_in_steps.h"

#include <algorithm>
#include <utility>

namespace novaplane::store {
namespace {

using cloud::ObjectEdit;

/// What refers to others comes after them, and goes before them.
void put_in_order(std::vector<ObjectEdit>& edits, bool removes_first) {
  const auto puts = std::ranges::stable_partition(
      edits, [=](const ObjectEdit& edit) { return edit.object.has_value() != removes_first; });
  const auto by_kind = [](const ObjectEdit& edit) { return edit.name.kind; };
  const auto sort = [&](auto first, auto last, bool are_removals) {
    if (are_removals) {
      std::ranges::stable_sort(first, last, std::ranges::greater(), by_kind);
    } else {
      std::ranges::stable_sort(first, last, std::ranges::less(), by_kind);
    }
  };
  sort(edits.begin(), puts.begin(), removes_first);
  sort(puts.begin(), edits.end(), !removes_first);
}

/// The next part of a proposal, of `size` edits at most.
class NextStep {
 public:
  NextStep(const Propose& propose, std::size_t size) : propose_(&propose), size_(size) {}

  tl::expected<Proposal, Declined> operator()(const Copy& copy) {
    auto proposal = (*propose_)(copy);
    if (!proposal) return proposal;
    put_in_order(proposal->edits, removes_first_);
    is_last_ = proposal->edits.size() <= size_;
    if (!is_last_) proposal->edits.resize(size_);
    taken_ = proposal->edits.size();
    return proposal;
  }
  bool is_last() const { return is_last_; }
  std::size_t taken() const { return taken_; }
  void go_on(const Propose& propose_rest) { propose_ = &propose_rest; }

  /// Fewer edits. False: it is one already.
  bool shrink() {
    if (size_ <= 1) return false;
    size_ = std::min(size_, taken_) / 2;
    return true;
  }
  /// In the other order. False: that was tried.
  bool turn() { return !std::exchange(removes_first_, true); }

 private:
  const Propose* propose_;
  std::size_t size_, taken_ = 0;
  bool removes_first_ = false, is_last_ = false;
};

}  // namespace

Steps commit_in_steps(Committer& committer, const Limits& limits, const Propose& propose,
                      const Propose& propose_rest, const std::string& by) {
  Outcome whole = committer.commit(propose, by);
  const auto* large = std::get_if<TooLarge>(&whole);
  if (!large) return {std::move(whole)};
  NextStep step(propose, std::min(limits.writes, large->writes));
  std::size_t written = 0;
  for (;;) {
    Outcome outcome = committer.commit(std::ref(step), by);
    if (const auto* done = std::get_if<Done>(&outcome)) {
      written += done->written ? step.taken() : 0;
      if (step.is_last()) return {std::move(outcome), written};
      step.go_on(propose_rest);
    } else if (std::holds_alternative<TooLarge>(outcome)) {
      if (!step.shrink()) return {std::move(outcome), written};
    } else if (std::holds_alternative<Invalid>(outcome)) {
      if (!step.turn()) return {std::move(whole), written};
    } else {
      return {std::move(outcome), written};
    }
  }
}

}  // namespace novaplane::store
