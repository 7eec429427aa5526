#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"

/// Files as values. Every error names the path and carries the errno.
namespace novaplane {

struct FileOwner {
  uid_t user = 0;
  gid_t group = 0;
};

/// Writes a file so that no reader ever sees half of it: a temporary file in the same directory
/// (its name begins with a dot), then rename. Nothing is synced to disk: for what lives in /run and
/// is of no use after a reboot.
Result<void> write_whole(const std::string& path, std::string_view text, mode_t mode = 0644,
                         const FileOwner* owner = nullptr);

/// The same for what has to outlive a power cut: the text is on its disk before it has its name,
/// and the name when this returns (write, fsync, rename, fsync of the directory).
Result<void> write_durably(const std::string& path, std::string_view text, mode_t mode = 0644,
                           const FileOwner* owner = nullptr);

/// As write_durably, in the place where a path of somebody else's leads to, also by symbolic links;
/// a file that is there keeps its mode and owner.
Result<void> replace_durably(const std::string& path, std::string_view text);

Result<std::string> read_whole(const std::string& path);

/// The directory and its missing parents; one that is there keeps its mode.
Result<void> make_directories(const std::string& path, mode_t mode = 0755);

/// Names in a directory, sorted, without "." and "..". A missing directory is empty.
Result<std::vector<std::string>> list_directory(const std::string& path);

/// A file, or a directory with all that is in it (symbolic links are not followed). Success when
/// there is none.
Result<void> remove_all(const std::string& path);

}  // namespace novaplane
