#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/parse.h"
#include "dataplane/netlink/request.h"

/// Token bucket filters (net/sched/sch_tbf.c).
namespace novaplane::netlink {
namespace {

constexpr std::size_t kRoom = 256;
constexpr double kLongestWait = 0.05;  ///< seconds in the queue
/// Room for the largest packet before the kernel cuts it (GSO_MAX_SIZE), at however low a rate.
constexpr double kLeastQueue = 64 << 10;
/// The kernel tells times in ticks (net/pkt_sched.h, PSCHED_SHIFT).
constexpr double kTick = 64e-9;

Request shaper_request(std::uint16_t type, std::uint16_t flags, int link) {
  Request request(type, flags, kRoom);
  tcmsg header{};
  header.tcm_ifindex = link;
  header.tcm_handle = kOurHandle;
  header.tcm_parent = TC_H_ROOT;
  put_header(request, header);
  return request;
}

Request wanted(std::uint16_t flags, const Shaper& shaper) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  const auto rate = static_cast<double>(shaper.rate);
  const double queue = std::max(rate * kLongestWait, kLeastQueue) + shaper.burst;
  tc_tbf_qopt options{};
  options.rate.linklayer = TC_LINKLAYER_ETHERNET;  // no table of times is needed then
  options.rate.rate = static_cast<std::uint32_t>(std::min(rate, kMost));
  options.limit = static_cast<std::uint32_t>(std::min(queue, kMost));
  Request request = shaper_request(RTM_NEWQDISC, flags, shaper.link);
  put(request, TCA_KIND, std::string_view("tbf"));
  const Nest nest(request, TCA_OPTIONS);
  put(request, TCA_TBF_PARMS, &options, sizeof(options));
  put(request, TCA_TBF_BURST, shaper.burst);
  if (rate > kMost) put(request, TCA_TBF_RATE64, shaper.rate);
  return request;
}

}  // namespace

Request add_shaper(const Shaper& shaper) { return wanted(NLM_F_CREATE | NLM_F_EXCL, shaper); }

Request change_shaper(const Shaper& shaper) { return wanted(NLM_F_CREATE | NLM_F_REPLACE, shaper); }

Request delete_shaper(int link) { return shaper_request(RTM_DELQDISC, 0, link); }

/// None: another qdisc.
std::optional<Shaper> parse_shaper(const nlmsghdr& message) {
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof(tcmsg))) return std::nullopt;
  const auto& header = *static_cast<const tcmsg*>(nlmsg_data(&message));
  if (header.tcm_parent != TC_H_ROOT || header.tcm_handle != kOurHandle) return std::nullopt;
  const Attributes<TCA_OPTIONS> attributes(message, sizeof(header));
  if (attributes.text(TCA_KIND) != "tbf") return std::nullopt;
  const Attributes<TCA_TBF_PRATE64> values(attributes.find(TCA_OPTIONS));
  tc_tbf_qopt options{};
  const auto bytes = values.bytes(TCA_TBF_PARMS);
  if (bytes.size() < sizeof(options)) return std::nullopt;
  std::memcpy(&options, bytes.data(), sizeof(options));
  Shaper shaper{.link = header.tcm_ifindex};
  shaper.rate = values.number<std::uint64_t>(TCA_TBF_RATE64, options.rate.rate);
  const double burst = options.buffer * kTick * static_cast<double>(shaper.rate);
  constexpr double kStep = Shaper::kBurstStep;
  shaper.burst = static_cast<std::uint32_t>(std::lround(burst / kStep) * Shaper::kBurstStep);
  return shaper;
}

}  // namespace novaplane::netlink
