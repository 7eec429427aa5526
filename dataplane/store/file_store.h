#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/store/folder_watch.h"
#include "dataplane/store/store.h"

namespace novaplane::store {

/// The document that an operator edits: a store that takes no writes. Its revisions count from 1
/// since this object was made; what changed is told by load() alone.
class FileStore : public Store {
 public:
  explicit FileStore(std::string path) : path_(std::move(path)), watch_(path_) {}

  Answer<Status> status() override;
  Answer<Head> head() override;
  Answer<Snapshot> load() override;
  Answer<std::vector<Change>> changes_after(Revision, std::size_t most) override;
  Answer<std::vector<Change>> history_after(Revision after, std::size_t most) override {
    return changes_after(after, most);
  }
  Answer<void> wait(Revision, Clock::time_point until) override;
  void interrupt() override { watch_.interrupt(); }
  CommitAnswer commit(const Commit&) override { return read_only(); }
  Answer<std::optional<Revision>> find_change(const std::string&, Revision) override {
    return std::nullopt;
  }
  Answer<void> back_up(const std::string&) override { return tl::unexpected(read_only()); }
  Answer<void> put_status(const HostStatus&) override { return tl::unexpected(read_only()); }
  Answer<std::vector<HostStatus>> statuses() override { return std::vector<HostStatus>(); }
  Answer<void> keep_alive(const std::string&) override { return tl::unexpected(read_only()); }
  /// `novaplane check` says more of a document than a store could.
  Answer<std::vector<std::string>> check() override { return std::vector<std::string>(); }

 private:
  Failure read_only() const;
  /// The text, and its revision noted.
  Answer<std::string> read();

  std::string path_;
  FolderWatch watch_;
  std::optional<std::uint64_t> digest_;  ///< of the text last read
  Revision revision_ = 0;
};

}  // namespace novaplane::store
