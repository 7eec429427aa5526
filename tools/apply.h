#pragma once

#include "dataplane/base/error.h"
#include "dataplane/cloud/cloud.h"
#include "tools/options.h"
#include "tools/report.h"

/// What `up` and `down` do, for whoever holds the writer's lock.
namespace novaplane::tools {

Result<Report> apply(cloud::Cloud cloud, const Options& options);
Result<Report> take_down(const Options& options);

}  // namespace novaplane::tools
