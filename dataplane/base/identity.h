#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/process.h"

/// Who a process is. Its command line is only what it says of itself: anybody may say what ours
/// say. What counts is what the kernel says.
namespace novaplane {

/// Whether a process that is held is `program` (a name that is looked up, or a path), started by
/// root for this network namespace:
///
/// - its user is root in our own user namespace, or one of `users`, with capabilities that only
///   root can have given it;
/// - its executable is the file of that program, or was until another took its place (an upgrade);
/// - its network namespace is the calling thread's.
///
/// Since the pidfd was there before, no other process of the same number is meant.
bool runs_for_us(const Process& process, const std::string& program,
                 const std::vector<uid_t>& users = {});

/// The file's name of what a process executes: "novaplaned", also after an upgrade. Empty: it is
/// gone, or not ours to know.
std::string executable_name(pid_t pid);

}  // namespace novaplane
