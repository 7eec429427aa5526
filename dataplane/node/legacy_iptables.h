#pragma once

#include <string>
#include <vector>

#include "dataplane/nft/foreign_tables.h"

namespace novaplane::node {

/// The chains of iptables-legacy and ip6tables-legacy (the tables of before nf_tables), of which
/// one whose policy drops says so. Only looks: a table that is not in use is not brought to life by
/// the question. Empty where they cannot be read.
std::vector<nft::foreign::Chain> legacy_iptables_chains();

/// A rule of the table filter names the link (-i, -o).
bool legacy_iptables_names(const std::string& link);

}  // namespace novaplane::node
