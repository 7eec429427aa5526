#pragma once

#include <optional>
#include <string>

#include "dataplane/cloud/events.h"
#include "dataplane/cloud/finding.h"

namespace novaplane::cloud {

/// Reads the one YAML document of the text and tells the sink what is in it. The first fault of the
/// YAML itself (its syntax, a second document, an alias, nothing at all) ends the reading.
std::optional<Finding> read_yaml(const std::string& text, const EventSink& sink);

}  // namespace novaplane::cloud
