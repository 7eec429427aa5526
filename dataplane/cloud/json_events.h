#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/cloud/events.h"
#include "dataplane/cloud/finding.h"

/// JSON by itself, without a look at what it says.
namespace novaplane::cloud {

/// Tells the sink what is in the JSON, as read_yaml() would: a string is quoted, a number or a
/// boolean is not. The answer: why it is none, as a sentence.
std::optional<std::string> read_events(std::string_view json, const EventSink& sink);

/// A merge patch; none: one of the two is no object.
std::optional<std::string> merge_patch(std::string_view json, std::string_view patch);
/// What stands at the paths of the JSON, with the way to it; empty: nothing does.
std::string extract(std::string_view json, const std::vector<Path>& paths);
/// The JSON with what was extracted from an earlier version of it. What stood inside an element of
/// a list is left out where the list has another length by now.
std::string with_extracted(std::string_view json, std::string_view extracted);

}  // namespace novaplane::cloud
