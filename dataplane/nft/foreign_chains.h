#pragma once

#include <string>
#include <vector>

#include "dataplane/base/error.h"

namespace novaplane::nft {

/// A base chain of a table that is not ours, as nft names it. Others' tables are read only for
/// warnings and never written.
struct ForeignChain {
  std::string family;  ///< "ip", "inet", "bridge"
  std::string table, name;
  bool operator==(const ForeignChain&) const = default;
};

/// Those on the way of forwarded IPv4 or bridged packets whose policy is drop. Docker's is
/// "ip filter FORWARD".
Result<std::vector<ForeignChain>> foreign_forward_drops();

}  // namespace novaplane::nft
