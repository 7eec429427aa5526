#pragma once

#include <string>
#include <vector>

#include "dataplane/base/error.h"

namespace novaplane::nft {

/// A chain of a table that is not ours, as nft names it. Others' tables are read only for
/// warnings and never written.
struct ForeignChain {
  std::string family;  ///< "ip", "inet", "bridge"
  std::string table, name;
  bool operator==(const ForeignChain&) const = default;
};

}  // namespace novaplane::nft
