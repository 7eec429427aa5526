#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// What a link sends is held back to a rate: a token bucket filter as its root qdisc
/// (net/sched/sch_tbf.c); what would wait for longer than 50 ms is dropped. By the link's name.
/// Mark: the qdisc's handle, netlink::kOurHandle.
struct Shaper {
  /// The kernel keeps a burst as a time and tells it by steps of 64 ns.
  static constexpr std::uint32_t kBurstStep = 4000;

  std::uint64_t rate = 0;   ///< bytes a second
  std::uint32_t burst = 0;  ///< bytes, a multiple of kBurstStep
  bool operator==(const Shaper&) const = default;
};
using ShaperKey = std::string;
using ShaperChange = Change<ShaperKey, Shaper>;

struct ShaperKind {
  using Key = ShaperKey;
  using Row = Shaper;
  static constexpr Noun kNoun{"rate limit", "rate limits"};
  static constexpr Phase kAdd = Phase::shape, kRemove = Phase::withdraw;
  static std::string subject(const ShaperKey& link) { return "qdisc tbf dev " + link; }
  static std::string text(const ShaperKey&, const Shaper& shaper);
  static std::string difference(const Shaper& before, const Shaper& after);

  static std::optional<Phase> place(Planning&, const ShaperKey&, const Shaper* wanted,
                                    const Owner&);
  static Result<void> add(const ShaperChange&, Requests&);
  static Result<void> remove(const ShaperChange&, Requests&);
  static void explain(Error&);

  static constexpr int kGroups[] = {RTNLGRP_TC};
  static std::vector<Question> questions(const std::vector<netlink::Observation>& links);
  static void on(const netlink::Message&, const KernelView&, Tables&);
  static void on(const netlink::Seen<netlink::Link>&, const KernelView&, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);
};

}  // namespace novaplane::engine
