#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/cloud/document.h"
#include "tools/options.h"

/// The document that a command is about, and which of its hosts this one is.
namespace novaplane::tools {

/// Mistakes in the document, each with its place; one that could not be read at all says which
/// file of that folder may have been meant.
tl::expected<cloud::Cloud, std::vector<cloud::Mistake>> read_document(const std::string& file);

/// --host, or the name of this machine.
std::string host_of(const Options&);

/// Why the document cannot be applied here: it has no such host. Empty: it has.
std::string missing_host(const cloud::Cloud&, const std::string& host, const Options&);

/// Reads the document and makes sure of its host; complains and returns nothing when it cannot be.
std::optional<cloud::Cloud> document_for(const Options&);

}  // namespace novaplane::tools
