#pragma once

#include <nlohmann/json.hpp>

#include "dataplane/node/uplink_rows.h"

namespace novaplane::node {

using Json = nlohmann::ordered_json;

Json json_of(const UplinkHealth& row);
UplinkHealth health_in(const Json& json);  ///< throws

/// The figures at the end of the object, and from it; one that is missing is 0.
void add_figures(Json& json, const ProbeFigures& figures);
ProbeFigures figures_in(const Json& json);

}  // namespace novaplane::node
