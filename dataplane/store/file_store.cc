#include "dataplane/store/file_store.h"

#include <fmt/format.h>

#include "dataplane/base/files.h"
#include "dataplane/base/hash.h"
#include "dataplane/cloud/document.h"
#include "dataplane/store/records.h"

namespace novaplane::store {

Failure FileStore::read_only() const {
  return {Trouble::read_only,
          fmt::format("{} is edited by hand: an API that writes needs another store "
                      "(--store sqlite:PATH)",
                      path_)};
}

Answer<std::string> FileStore::read() {
  auto text = read_whole(path_);
  if (!text) return tl::unexpected(Failure{Trouble::unavailable, text.error().message()});
  const std::uint64_t digest = novaplane::digest(*text);
  if (digest_ != digest) ++revision_;
  digest_ = digest;
  return std::move(*text);
}

Answer<Status> FileStore::status() {
  if (const auto text = read(); !text) return tl::unexpected(text.error());
  return Status{"file", path_, "file:" + path_, revision_, revision_, kFormat, false};
}

Answer<Head> FileStore::head() {
  if (const auto text = read(); !text) return tl::unexpected(text.error());
  return Head{"file:" + path_, revision_, ""};
}

Answer<Snapshot> FileStore::load() {
  const auto text = read();
  if (!text) return tl::unexpected(text.error());
  auto document = cloud::parse_document(*text, path_);
  if (!document) {
    return tl::unexpected(Failure{Trouble::broken, document.error().front().message()});
  }
  Snapshot snapshot;
  snapshot.identity = "file:" + path_;
  snapshot.revision = revision_;
  snapshot.records = records_of(document->cloud, document->pools);
  snapshot.objects = snapshot.records.size();
  for (Record& record : snapshot.records) {
    record.revision = revision_;
    snapshot.digest ^= digest_of(record.key.kind, record.key.name, record.value);
  }
  return snapshot;
}

Answer<std::vector<Change>> FileStore::changes_after(Revision after, std::size_t) {
  if (const auto text = read(); !text) return tl::unexpected(text.error());
  if (after == revision_) return std::vector<Change>();
  const Trouble trouble = after > revision_ ? Trouble::went_back : Trouble::compacted;
  return tl::unexpected(Failure{trouble, fmt::format("{}: is read as a whole", path_)});
}

Answer<void> FileStore::wait(Revision after, Clock::time_point until) {
  if (const auto text = read(); !text) {
    watch_.wait_a_little(until);
    return tl::unexpected(text.error());
  }
  if (after == revision_) watch_.wait(until);
  return {};
}

}  // namespace novaplane::store
