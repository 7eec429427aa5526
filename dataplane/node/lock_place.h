#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

/// Locks of a network namespace, which only root may take: files in /run/novaplane-lock, root's
/// alone, named by the namespace's number, whatever the run directory. What a dead process or a
/// dead namespace has left there keeps nobody away: the kernel gives a lock back with its process.
namespace novaplane::node {

constexpr const char* kLockFolder = "/run/novaplane-lock";

/// Where `what` of the calling thread's network namespace stands.
std::string lock_path(std::string_view what);

/// Makes the folder. An error where it is somebody else's, or where others may write into it.
Result<void> make_lock_folder(const std::string& folder = kLockFolder);

/// A file that is locked as long as a copy of its descriptor is open. Its holder may remove it.
/// EWOULDBLOCK: another has it.
Result<Fd> take_file_lock(const std::string& path);

/// The process that has taken the lock; none: nobody, or the calling process.
std::optional<pid_t> file_lock_holder(const std::string& path);

}  // namespace novaplane::node
