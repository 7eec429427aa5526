#pragma once

#include <string_view>

#include "dataplane/nft/rule.h"

namespace novaplane::bridge {

/// A rule of table bridge for frames that are neither IPv4, IPv6 nor ARP, nor RARP by which a
/// hypervisor announces a guest that has moved: all that guests may send, untagged.
nft::RuleBuilder not_plain(std::string_view chain);

}  // namespace novaplane::bridge
