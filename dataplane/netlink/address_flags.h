#pragma once

#include <linux/if_addr.h>

#include <cstdint>

namespace novaplane::netlink {

/// What user space may set of an address (net/ipv6/addrconf.c, inet6_rtm_newaddr); the other flags
/// (permanent, secondary, tentative) the kernel sets itself.
constexpr std::uint32_t kSettableFlags = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
                                         IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN | IFA_F_OPTIMISTIC;

}  // namespace novaplane::netlink
