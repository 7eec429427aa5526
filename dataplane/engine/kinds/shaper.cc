#include "dataplane/engine/kinds/shaper.h"

#include <linux/pkt_sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/planning.h"
#include "dataplane/engine/requests.h"
#include "dataplane/netlink/attributes.h"

namespace novaplane::engine {
namespace {

using netlink::Attributes;

constexpr std::size_t kRoom = 256;
constexpr double kLongestWait = 0.05;  ///< seconds in the queue
/// Room for the largest packet before the kernel cuts it (GSO_MAX_SIZE), at however low a rate.
constexpr double kLeastQueue = 64 << 10;
/// The kernel tells times in ticks (net/pkt_sched.h, PSCHED_SHIFT).
constexpr double kTick = 64e-9;

netlink::Request request(std::uint16_t type, std::uint16_t flags, int link) {
  netlink::Request request(type, flags, kRoom);
  tcmsg header{};
  header.tcm_ifindex = link;
  header.tcm_handle = netlink::kOurHandle;
  header.tcm_parent = TC_H_ROOT;
  netlink::put_header(request, header);
  return request;
}

netlink::Request wanted(std::uint16_t flags, int link, const Shaper& shaper) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  const auto rate = static_cast<double>(shaper.rate);
  const double queue = std::max(rate * kLongestWait, kLeastQueue) + shaper.burst;
  tc_tbf_qopt options{};
  options.rate.linklayer = TC_LINKLAYER_ETHERNET;  // no table of times is needed then
  options.rate.rate = static_cast<std::uint32_t>(std::min(rate, kMost));
  options.limit = static_cast<std::uint32_t>(std::min(queue, kMost));
  netlink::Request message = request(RTM_NEWQDISC, flags, link);
  netlink::put(message, TCA_KIND, std::string_view("tbf"));
  const netlink::Nest nest(message, TCA_OPTIONS);
  netlink::put(message, TCA_TBF_PARMS, &options, sizeof(options));
  netlink::put(message, TCA_TBF_BURST, shaper.burst);
  if (rate > kMost) netlink::put(message, TCA_TBF_RATE64, shaper.rate);
  return message;
}

/// A shaper of ours on a link; none: another message, or another qdisc.
std::optional<std::pair<int, Shaper>> parse(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWQDISC && message.nlmsg_type != RTM_DELQDISC) return std::nullopt;
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof(tcmsg))) return std::nullopt;
  const auto& header = *static_cast<const tcmsg*>(nlmsg_data(&message));
  if (header.tcm_parent != TC_H_ROOT || header.tcm_handle != netlink::kOurHandle) {
    return std::nullopt;
  }
  const Attributes<TCA_OPTIONS> attributes(message, sizeof(header));
  if (attributes.text(TCA_KIND) != "tbf") return std::nullopt;
  const Attributes<TCA_TBF_PRATE64> values(attributes.find(TCA_OPTIONS));
  tc_tbf_qopt options{};
  const auto bytes = values.bytes(TCA_TBF_PARMS);
  if (bytes.size() < sizeof(options)) return std::nullopt;
  std::memcpy(&options, bytes.data(), sizeof(options));
  Shaper shaper;
  shaper.rate = values.number<std::uint64_t>(TCA_TBF_RATE64, options.rate.rate);
  const double burst = options.buffer * kTick * static_cast<double>(shaper.rate);
  constexpr double kStep = Shaper::kBurstStep;
  shaper.burst = static_cast<std::uint32_t>(std::lround(burst / kStep) * Shaper::kBurstStep);
  return std::pair(header.tcm_ifindex, shaper);
}

}  // namespace

std::string ShaperKind::text(const ShaperKey&, const Shaper& shaper) {
  return fmt::format("rate {}bit burst {}b", 8 * shaper.rate, shaper.burst);
}

std::string ShaperKind::difference(const Shaper& before, const Shaper& after) {
  return fmt::format("was {}, wanted {}", text({}, before), text({}, after));
}

/// Only what we attach is ours to shape; a port without its link waits with it.
std::optional<Phase> ShaperKind::place(Planning& planning, const ShaperKey& link,
                                       const Shaper* wanted, const Owner&) {
  if (!wanted) return kRemove;
  const bool is_port = planning.tables.attachments.rows().desired(link) != nullptr;
  const bool can_be =
      is_port && planning.view.link(link) && !AttachmentKind::held_by_others(planning, link);
  return can_be ? std::optional(kAdd) : std::nullopt;
}

// --- to the kernel

/// In place, so that what waits in it stays. EEXIST where the link has a root qdisc that somebody
/// chose (not the kernel's default one).
Result<void> ShaperKind::add(const ShaperChange& change, Requests& requests) {
  return requests.number_of(change.key).map([&](int link) {
    const std::uint16_t how = change.before ? NLM_F_REPLACE : NLM_F_EXCL;
    requests.then(wanted(NLM_F_CREATE | how, link, *change.after));
  });
}

/// EINVAL when the link's root qdisc is not ours.
Result<void> ShaperKind::remove(const ShaperChange& change, Requests& requests) {
  return requests.number_of(change.key).map([&](int link) {
    requests.removal(request(RTM_DELQDISC, 0, link));
  });
}

void ShaperKind::explain(Error& error) {
  if (error.code == EEXIST) error.words = "the link has a qdisc that is not ours (tc qdisc show)";
}

// --- and back

/// A link says whether it has one: where none does, there is nothing to list.
std::vector<Question> ShaperKind::questions(const std::vector<netlink::Observation>& links) {
  const bool any = std::ranges::any_of(links, [](const netlink::Observation& told) {
    const auto* link = std::get_if<netlink::Seen<netlink::Link>>(&told);
    return link && link->value.shaped;
  });
  std::vector<Question> questions;
  if (!any) return questions;
  netlink::Request all(RTM_GETQDISC, NLM_F_DUMP, kRoom);
  netlink::put_header(all, tcmsg{});
  questions.push_back({std::move(all), AF_UNSPEC});
  return questions;
}

void ShaperKind::on(const netlink::Message& message, const KernelView& view, Tables& tables) {
  const auto told = parse(message.header());
  const netlink::Link* link = told ? view.link(told->first) : nullptr;
  if (!link) return;
  if (message.header().nlmsg_type == RTM_NEWQDISC) {
    tables.shapers.set_actual(link->name, told->second);
  } else {
    tables.shapers.remove_actual(link->name);
  }
}

void ShaperKind::on(const netlink::Seen<netlink::Link>& seen, const KernelView&, Tables& tables) {
  if (!seen.value.shaped) tables.shapers.remove_actual(seen.value.name);
}

void ShaperKind::on_link_gone(const std::string& link, bool, Tables& tables) {
  tables.shapers.remove_actual(link);
}

}  // namespace novaplane::engine
