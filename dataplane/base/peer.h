#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

/// Who is at the other end of a Unix socket. Whoever it is, is told by the kernel or not trusted.
namespace novaplane {

/// None: the kernel does not say. Of whom one has connected to: as it was when it began to listen.
std::optional<ucred> peer_of(int socket);

/// The supplementary groups of whom peer_of() tells (SO_PEERGROUPS: net/core/sock.c, since Linux
/// 4.13), as they were then. None: the kernel does not say.
std::optional<std::vector<gid_t>> groups_of_peer(int socket);

/// Fails closed: false where the kernel does not say.
bool is_root_peer(int socket);

/// Whether a path names a socket that root has put there. It may not be a symbolic link: it would
/// lead to a socket of root's that means something else.
bool is_roots_socket(const std::string& path);

}  // namespace novaplane
