#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/base/error.h"

namespace novaplane::dhcp {

/// Lines by the name of the entry that they stand for.
using Lines = std::map<std::string, std::string>;

/// A directory of hosts files that a dnsmasq watches: few files of many lines for what is known at
/// its start, and a small one for each later addition. Each line ends in a comment, the entry's
/// name, so that what was told can be read back:
///
///   fa:16:3e:00:00:01,10.0.0.11,web1 # web1
///
/// dnsmasq 2.90 reads a file when it was closed after writing or renamed into the directory, and,
/// of DNS names, forgets those of a removed file. It does not notice a file that was linked in.
class LineFiles {
 public:
  /// `staging` is a file beside the directory, on the same file system.
  LineFiles(std::string directory, std::string staging)
      : directory_(std::move(directory)), staging_(std::move(staging)) {}

  /// All lines of all files; the last of the sorted files wins.
  Result<Lines> read() const;

  /// Another small file, which dnsmasq reads at once.
  Result<void> add(const Lines& lines) const;

  /// The new line of each entry instead of its old one, or none at all (empty), in the file where
  /// it stands, which dnsmasq reads again at once: for DNS names only, DHCP would keep the old
  /// ones.
  Result<void> revise(const Lines& lines) const;

  /// All lines in one file instead of those that are there. dnsmasq does not notice before it is
  /// started or told to read everything again. Nothing is written when they stand there already.
  Result<void> replace(const Lines& lines) const;

 private:
  Result<void> publish(const std::string& text, const std::string& name) const;

  std::string directory_, staging_;
};

}  // namespace novaplane::dhcp
