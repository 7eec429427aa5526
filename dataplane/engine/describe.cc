#include <fmt/format.h>

#include "dataplane/base/words.h"
#include "dataplane/engine/plan.h"

/// Steps in words: what an operator reads in a plan, in an error and in the log. What a change of a
/// row says, or an act of a kind, is its kind's.
namespace novaplane::engine {
namespace {

// --- subjects: the same whatever happens

std::string subject_of(const RulesetChange&) { return "nf_tables"; }
std::string subject_of(const Announce& a) { return fmt::format("announce {}", a.address); }
std::string subject_of(const Reannounce& r) { return "announcements on " + r.link; }
std::string subject_of(const ForgetFlows& f) { return fmt::format("flows of {}", f.address); }

// --- what happens

std::string what_of(const RulesetChange& change) { return change.what; }
std::string what_of(const Announce& announce) {
  return fmt::format("announce {}{} on {} {}", announce.address,
                     announce.mac ? fmt::format(" at {}", *announce.mac) : "", announce.link,
                     count(announce.count, "time"));
}
std::string what_of(const Reannounce& again) {
  const std::size_t count = again.announcements.size();
  return fmt::format("announce {} address{} on {} again", count, count == 1 ? "" : "es",
                     again.link);
}
std::string what_of(const ForgetFlows& flows) {
  switch (flows.which) {
    case ForgetFlows::Which::original_destination:
      return fmt::format("forget flows to {}{}{}", flows.address,
                         flows.port ? fmt::format(" port {}", *flows.port) : "",
                         flows.keep ? fmt::format(" that do not reach {}", *flows.keep) : "");
    case ForgetFlows::Which::reply_destination:
      return fmt::format("forget flows translated to {}", flows.address);
    case ForgetFlows::Which::mark:
      return fmt::format("forget flows with mark {:#x}/{:#x}", flows.mark, flows.mask);
    case ForgetFlows::Which::translated_source:
      return fmt::format("forget flows of {} that are translated otherwise", flows.address);
    case ForgetFlows::Which::untranslated:
      return fmt::format("forget flows of {} that are not translated", flows.address);
  }
  return "";
}

// --- why

std::string reason_of(const RulesetChange& change) { return change.why; }
std::string reason_of(const Announce&) { return "neighbours learn where it is"; }
std::string reason_of(const Reannounce& again) { return again.why; }
std::string reason_of(const ForgetFlows&) { return "its translation changes"; }

}  // namespace

std::string Step::subject(const nft::Ruleset& ruleset) const {
  return std::visit(
      [&]<class T>(const T& operation) -> std::string {
        if constexpr (!RowChange<T>) {
          return subject_of(operation);
        } else if constexpr (requires { KindOf<T>::subject(operation.key, ruleset); }) {
          return KindOf<T>::subject(operation.key, ruleset);
        } else {
          return KindOf<T>::subject(operation.key);
        }
      },
      operation);
}

std::string Step::what(const nft::Ruleset& ruleset) const {
  return std::visit(
      [&]<class T>(const T& operation) -> std::string {
        if constexpr (!RowChange<T>) {
          return what_of(operation);
        } else if constexpr (requires { KindOf<T>::what(operation, ruleset); }) {
          return KindOf<T>::what(operation, ruleset);
        } else {
          return engine::what_of<KindOf<T>>(operation);
        }
      },
      operation);
}

std::string Step::why() const {
  const auto reason = std::visit(
      []<class T>(const T& operation) -> std::string {
        if constexpr (RowChange<T>) {
          return engine::reason_of<KindOf<T>>(operation);
        } else {
          return reason_of(operation);
        }
      },
      operation);
  return owner ? fmt::format("{}: {}", owner->to_string(), reason) : reason;
}

}  // namespace novaplane::engine
