#pragma once

#include <memory>
#include <string>

#include "dataplane/base/fd.h"
#include "metadata/guests.h"
#include "metadata/proxy/service.h"
#include "metadata/settings.h"

namespace novaplane::metadata {

/// Accepts guests and serves them until SIGTERM; on SIGHUP it reads the guests again, and keeps
/// those it knows where that fails. A guest has 16 connections at most and all together 1,024: more
/// are hung up on, so that no guest keeps another from its metadata.
///
/// One thread. Tells the system's log (LOG_DAEMON) of a server that does not answer, once in ten
/// seconds at most.
void run_proxy(Fd listener, Settings settings, std::string secret, GuestsFile file, Guests guests);

}  // namespace novaplane::metadata
