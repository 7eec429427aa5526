#include "dataplane/conntrack/flows.h"

#include <arpa/inet.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <vector>

#include "dataplane/conntrack/socket.h"

namespace novaplane::conntrack {
namespace {

using Which = FlowFilter::Which;

struct Destroy {
  void operator()(nf_conntrack* flow) const { nfct_destroy(flow); }
};
using OwnedFlow = std::unique_ptr<nf_conntrack, Destroy>;

/// A filtered deletion walks the table once, a listing costs about eight times as much.
constexpr std::size_t kManyFilters = 8;
constexpr int kListings = 3;  ///< attempts at an undisturbed one

/// Kernels that cannot filter say one of these.
bool is_refusal(int code) { return code == EINVAL || code == EOPNOTSUPP; }

/// The family that all filters share.
int common_family(std::span<const FlowFilter> filters) {
  const int first = family_of(filters.front());
  const bool same = std::all_of(filters.begin(), filters.end(),
                                [&](const FlowFilter& f) { return family_of(f) == first; });
  return same ? first : AF_UNSPEC;
}

/// By an IPv6 address the kernel picks every flow but the ones that are meant
/// (ctnetlink_filter_match_tuple, seen on Linux 6.18). It has no words for either end.
bool is_understood(const FlowFilter& filter) {
  if (filter.which == Which::untranslated) return false;
  return filter.which == Which::mark || filter.address.is_v4();
}

/// A listing may be filtered by the kernel where the original tuple is meant; of the reply's some
/// kernels list nothing (ctnetlink_alloc_filter of Linux 5.8 mixes up the flags).
bool can_list_filtered(std::span<const FlowFilter> filters) {
  return filters.size() == 1 && filters.front().which != Which::reply_destination &&
         is_understood(filters.front());
}

/// Many filters against many flows: a flow is held against those of its own addresses only.
class Picker {
 public:
  explicit Picker(std::span<const FlowFilter> filters) {
    for (const FlowFilter& filter : filters) {
      if (filter.which == Which::mark) {
        of_marks_.push_back(&filter);
      } else {
        by_address_.emplace(filter.address, &filter);
      }
    }
  }

  bool picks(const nf_conntrack* flow) const {
    const bool is_v4 = nfct_get_attr_u8(flow, ATTR_ORIG_L3PROTO) == AF_INET;
    const auto picked = [&](nf_conntrack_attr v4, nf_conntrack_attr v6) {
      return picks_at(flow, is_v4 ? v4 : v6, is_v4 ? 4 : 16);
    };
    return picked(ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC) ||
           picked(ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST) ||
           picked(ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST) ||
           std::any_of(of_marks_.begin(), of_marks_.end(),
                       [&](const FlowFilter* filter) { return matches(*filter, flow); });
  }

 private:
  bool picks_at(const nf_conntrack* flow, nf_conntrack_attr attribute, std::size_t size) const {
    const auto* bytes = static_cast<const std::uint8_t*>(nfct_get_attr(flow, attribute));
    const auto address = bytes ? IpAddress::from_bytes({bytes, size}) : std::nullopt;
    if (!address) return false;
    const auto [first, last] = by_address_.equal_range(*address);
    return std::any_of(first, last,
                       [&](const auto& entry) { return matches(*entry.second, flow); });
  }

  std::unordered_multimap<IpAddress, const FlowFilter*> by_address_;
  std::vector<const FlowFilter*> of_marks_;
};

/// A request to delete the flow that a listing told of: by its tuple, zone and id, so that another
/// one with the same tuple is not meant.
Result<void> append_deletion(std::vector<std::byte>& all, const nlmsghdr* listed) {
  const auto* generic = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(listed));
  Message deletion(IPCTNL_MSG_CT_DELETE, 0, generic->nfgen_family);
  const auto copy = [](const nlattr* attribute, void* to) {
    const auto type = mnl_attr_get_type(attribute);
    const bool counts = type == CTA_TUPLE_ORIG || type == CTA_ZONE || type == CTA_ID;
    return !counts || static_cast<Message*>(to)->put(attribute) ? MNL_CB_OK : MNL_CB_ERROR;
  };
  if (mnl_attr_parse(listed, sizeof(nfgenmsg), copy, &deletion) < 0) {
    return failure("delete flows", EMSGSIZE, "a flow's addresses do not fit into the request");
  }
  all.insert(all.end(), deletion.bytes().begin(), deletion.bytes().end());
  all.resize(MNL_ALIGN(all.size()));
  return {};
}

/// A flow between class E addresses, in a zone of its own: no packet can belong to it.
struct Probe {
  static constexpr std::uint32_t kFrom = 0xf06e7001, kTo = 0xf06e7002;

  Probe() : flow(nfct_new()) {
    nfct_set_attr_u8(flow.get(), ATTR_L3PROTO, AF_INET);
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_SRC, htonl(kFrom));
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_DST, htonl(kTo));
    nfct_set_attr_u8(flow.get(), ATTR_L4PROTO, IPPROTO_UDP);
    nfct_set_attr_u16(flow.get(), ATTR_PORT_SRC, htons(1));
    nfct_set_attr_u16(flow.get(), ATTR_PORT_DST, htons(1));
    nfct_set_attr_u16(flow.get(), ATTR_ZONE, 0x6e70);
    nfct_setobjopt(flow.get(), NFCT_SOPT_SETUP_REPLY);
    nfct_set_attr_u32(flow.get(), ATTR_TIMEOUT, 5);
  }
  Message message(std::uint16_t type, std::uint16_t flags) const {
    Message message(type, flags, AF_INET);
    nfct_nlmsg_build(message.header(), flow.get());
    return message;
  }
  /// What the answers to its packets are sent to.
  static FlowFilter filter() { return {Which::reply_destination, IpAddress::v4(kFrom)}; }

  OwnedFlow flow;
};

}  // namespace

struct Flows::Impl {
  Socket socket;
  std::optional<Way> best{};

  Result<void> forget_filtered(const FlowFilter&);
  Result<void> forget_listed(std::span<const FlowFilter>);
  Result<std::vector<std::byte>> deletions(std::span<const FlowFilter>, bool filtered);
  Result<Way> probe();
};

Flows::Flows(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Flows::Flows(Flows&&) noexcept = default;
Flows& Flows::operator=(Flows&&) noexcept = default;
Flows::~Flows() = default;

Result<Flows> Flows::open() {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  return Flows(std::make_unique<Impl>(Impl{std::move(*socket)}));
}

Result<Flows::Way> Flows::best_way() {
  if (!impl_->best) {
    const auto way = impl_->probe();
    if (!way) return way;
    impl_->best = *way;
  }
  return *impl_->best;
}

Result<void> Flows::forget(std::span<const FlowFilter> filters) {
  if (filters.empty()) return {};
  if (filters.size() > kManyFilters) return forget(filters, Way::listed);
  const auto way = best_way();
  if (!way) return tl::unexpected(way.error());
  return forget(filters, *way);
}

Result<void> Flows::forget(std::span<const FlowFilter> filters, Way way) {
  if (filters.empty()) return {};
  if (way == Way::listed) return impl_->forget_listed(filters);
  std::vector<FlowFilter> not_understood;  // share one listing
  for (const FlowFilter& filter : filters) {
    if (!is_understood(filter)) {
      not_understood.push_back(filter);
      continue;
    }
    const auto gone =
        is_refined(filter) ? impl_->forget_listed({&filter, 1}) : impl_->forget_filtered(filter);
    if (!gone) return gone;
  }
  return not_understood.empty() ? Result<void>() : impl_->forget_listed(not_understood);
}

Result<void> Flows::Impl::forget_filtered(const FlowFilter& filter) {
  Message message(IPCTNL_MSG_CT_DELETE, 0, family_of(filter));
  put_filter(message.header(), filter);
  return socket.ask(message, "delete flows");
}

Result<void> Flows::Impl::forget_listed(std::span<const FlowFilter> filters) {
  auto found = deletions(filters, can_list_filtered(filters));
  if (!found && is_refusal(found.error().code)) found = deletions(filters, false);
  if (!found) return tl::unexpected(found.error());
  return socket.delete_all(*found);
}

/// What a disturbed listing told of is deleted all the same, after the last attempt. One that has
/// lost a part each time is an error.
Result<std::vector<std::byte>> Flows::Impl::deletions(std::span<const FlowFilter> filters,
                                                      bool filtered) {
  const Picker picker(filters);
  std::vector<std::byte> all;
  for (int attempt = 0; attempt < kListings; ++attempt) {
    all.clear();
    Result<void> appended;
    Message message(IPCTNL_MSG_CT_GET, 0, common_family(filters));
    if (filtered) put_filter(message.header(), filters.front());
    const auto whole = socket.list(message, [&](const nlmsghdr* listed) {
      const OwnedFlow flow(nfct_new());
      if (nfct_nlmsg_parse(listed, flow.get()) < 0) return;
      if (appended && picker.picks(flow.get())) appended = append_deletion(all, listed);
    });
    if (!whole && whole.error().code == ENOBUFS && attempt + 1 < kListings) continue;
    if (!whole) return tl::unexpected(whole.error());
    if (!appended) return tl::unexpected(appended.error());
    if (*whole) break;
  }
  return all;
}

/// A flow is made, deleted by filter and deleted by its tuple: if that finds it no more, filters
/// work.
Result<Flows::Way> Flows::Impl::probe() {
  const Probe probe;
  Message make = probe.message(IPCTNL_MSG_CT_NEW, NLM_F_CREATE);
  if (auto made = socket.ask(make, "try conntrack"); !made) return Way::listed;
  const auto filtered = forget_filtered(Probe::filter());
  Message find = probe.message(IPCTNL_MSG_CT_DELETE, 0);
  const auto found = socket.ask(find, "try conntrack");
  if (!found && found.error().code != ENOENT) return tl::unexpected(found.error());
  return filtered && !found ? Way::filtered : Way::listed;
}

}  // namespace novaplane::conntrack
