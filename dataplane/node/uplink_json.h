#pragma once

#include <nlohmann/json.hpp>

#include "dataplane/node/uplink_rows.h"

namespace novaplane::node {

using Json = nlohmann::ordered_json;

Json json_of(const UplinkHealth& row);

}  // namespace novaplane::node
