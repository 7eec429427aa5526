#pragma once

#include <string>

namespace novaplane::node {

/// What a program of ours said of a configuration that it did not take over, so that it goes on
/// with an older one; empty: there is none. `file`: dhcp/<network>/refused.conf or the like. What
/// was refused before the confirmed document was written is of an older document, and no news.
std::string refusal_in(const std::string& file, const std::string& run_dir);

}  // namespace novaplane::node
