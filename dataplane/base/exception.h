#pragma once

#include <string>

#include "dataplane/base/error.h"

namespace novaplane {

/// The exception that is being handled, as an error of the step that it ended. For catch blocks at
/// the boundary of a task, where an exception has to stop.
Error error_of_exception(std::string step);

}  // namespace novaplane
