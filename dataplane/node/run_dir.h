#pragma once

#include <string>
#include <vector>

#include "dataplane/base/error.h"

/// The run directory as a whole. Nothing in it is needed for serving guests but what programs read
/// (dnsmasq and others): where it cannot be written, everything else comes up.
namespace novaplane::node {

/// Why nothing can be written there: a sentence; empty: something can. Changes nothing.
std::string unwritable(const std::string& run_dir);

/// `down`, when nothing of ours is left: removes all files of ours but records of NICs and of what
/// was found, which are the executor's; what others put there stays. `programs`: also those of
/// dnsmasq and others, none of which runs any more. Returns what could not be removed, by file.
std::vector<Error> remove_files(const std::string& run_dir, bool programs);

}  // namespace novaplane::node
