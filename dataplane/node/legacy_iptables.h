#pragma once

#include <string>

namespace novaplane::node {

/// Whether iptables-legacy (the tables of before nf_tables) drops forwarded packets that no rule of
/// its accepts: policy DROP of chain FORWARD in table filter. Only looks: a table that is not in
/// use is not brought to life by the question. False where it cannot be read.
bool legacy_iptables_drops_forwarded();

/// A rule of the table filter names the link (-i, -o).
bool legacy_iptables_names(const std::string& link);

}  // namespace novaplane::node
