#pragma once

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::security {

/// What the rules of a port's groups let through, as elements. Rules without from_group or to_group
/// belong to the list of groups, whichever ports have it; the others to the port.
void compile_group_rules(const engine::Context&, const cloud::Port&,
                         const std::vector<std::string>& groups, engine::Elements&);

/// The names as the comment of a port's element in kGroupsOf has them, by which the kernel alone
/// tells of them; as many as there is room for. And back.
std::string comment_of(const std::vector<std::string>& groups);
std::vector<std::string> groups_in(std::string_view comment);

/// No rule limits what the ports of these groups send: rules of several groups add up, and one
/// group without egress rules lets all leave.
bool all_may_leave(const cloud::Cloud&, const std::vector<std::string>& groups);

}  // namespace novaplane::security
