#pragma once

#include <string>
#include <vector>

#include "tests/netns/world/namespace.h"

/// The kernel's own messages about a host's network as lines of text that can be sent again, on
/// another host with the same link names. Bytes are hexadecimal digits, or a point for a zero;
/// where a message has the number of a link, its name stands between < and >.
namespace novaplane::netns {

using Lines = std::vector<std::string>;

/// Addresses, routes, policy rules, permanent neighbours, static forwarding entries and tbf queues:
/// without what the kernel makes by itself, and without ages.
Lines list_rtnetlink(const Namespace& where);
void add_rtnetlink(const Namespace& where, const Lines& lines);
/// What has gone with something else meanwhile is no error.
void delete_rtnetlink(const Namespace& where, const Lines& lines);

/// A table of nf_tables with the userdata of sets, rules and elements, which `nft` does not list.
/// Not what packets have written.
Lines list_nftables(const Namespace& where, int family, const std::string& table);
void add_nftables(const Namespace& where, const Lines& lines);  ///< one transaction

}  // namespace novaplane::netns
