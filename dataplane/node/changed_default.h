#pragma once

#include <string>

#include "dataplane/cloud/cloud.h"

namespace novaplane::node {

/// A sentence where this host still runs guests without port security, as versions before it did,
/// though the document has it on, which is its default. Empty: it does not, or the kernel does not
/// let the caller look.
std::string changed_default(const cloud::Cloud&, const std::string& host);

}  // namespace novaplane::node
