#include "dataplane/store/copy.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "dataplane/cloud/text.h"
#include "dataplane/store/records.h"

namespace novaplane::store {
namespace {

Digest digest_of_record(const Key& key, const std::string& value) {
  return digest_of(key.kind, key.name, value);
}

std::uint64_t meta_key(const Key& key) { return digest_of(key.kind, key.name, "").low; }

/// Ranges that say nothing are no object.
bool says_nothing(const cloud::AnyObject& object) {
  const auto* ranges = std::get_if<cloud::Ranges>(&object);
  return ranges && *ranges == cloud::Ranges();
}

}  // namespace

Revision Copy::revision_of(const cloud::ObjectName& name) const {
  const auto found = meta_.find(meta_key(key_of(name)));
  return found != meta_.end() ? found->second.revision : 0;
}

std::string Copy::unknown_of(const cloud::ObjectName& name) const {
  const auto found = unknown_.find(to_string(name));
  return found != unknown_.end() ? found->second : "";
}

std::optional<std::string> Copy::json_of(const cloud::ObjectName& name) const {
  const auto object = cloud_.find(name);
  if (!object) return std::nullopt;
  return cloud::to_json(cloud(), *object);
}

// --- what is to be written

Write Copy::write_of(const cloud::Cloud& cloud, const cloud::ObjectEdit& edit) const {
  Write write{key_of(edit.name), std::nullopt};
  if (edit.object && !says_nothing(*edit.object)) {
    write.value = cloud::to_stored(cloud, *edit.object, unknown_of(edit.name));
  }
  return write;
}

bool Copy::changes_anything(const Write& write) const {
  const auto found = meta_.find(meta_key(write.key));
  if (!write.value) return found != meta_.end();
  return found == meta_.end() || found->second.digest != digest_of_record(write.key, *write.value);
}

/// What the digest and the number of objects will be.
std::pair<Digest, std::size_t> Copy::sum_after(const std::vector<Write>& writes) const {
  Digest digest = digest_;
  std::size_t objects = meta_.size();
  for (const auto& [key, value] : writes) {
    const auto found = meta_.find(meta_key(key));
    if (found != meta_.end()) {
      digest ^= found->second.digest;
      --objects;
    }
    if (!value) continue;
    digest ^= digest_of_record(key, *value);
    ++objects;
  }
  return {digest, objects};
}

bool Copy::leads_to(const Change& change) const {
  return sum_after(change.writes) == std::pair(change.digest, change.objects);
}

tl::expected<Copy::Foreseen, std::vector<cloud::Finding>> Copy::foresee(
    std::vector<cloud::ObjectEdit> edits, cloud::Findings read) {
  Foreseen foreseen;
  const auto look = [&](const cloud::Cloud& cloud, const std::vector<cloud::ObjectEdit>& put) {
    for (const cloud::ObjectEdit& edit : put) {
      Write write = write_of(cloud, edit);
      if (changes_anything(write)) foreseen.change.writes.push_back(std::move(write));
    }
  };
  auto put = cloud_.check(std::move(edits), std::move(read), look);
  if (!put) return tl::unexpected(std::move(put.error()));
  for (const cloud::ObjectEdit& edit : *put) {
    auto freed = freed_by(cloud_.find(edit.name), edit.object);
    std::ranges::move(freed, std::back_inserter(foreseen.change.freed));
  }
  foreseen.edits = std::move(*put);
  std::tie(foreseen.change.digest, foreseen.change.objects) = sum_after(foreseen.change.writes);
  return foreseen;
}

// --- what was written

void Copy::note(const Write& write, Revision revision) {
  const std::uint64_t key = meta_key(write.key);
  if (const auto before = meta_.find(key); before != meta_.end()) {
    digest_ ^= before->second.digest;
    if (!write.value) meta_.erase(before);
  }
  if (!write.value) return;
  const Digest digest = digest_of_record(write.key, *write.value);
  digest_ ^= digest;
  meta_[key] = {revision, digest};
}

tl::expected<cloud::Changes, std::string> Copy::apply(const Change& change) {
  std::vector<cloud::ObjectEdit> edits;
  std::vector<std::pair<std::string, std::string>> unknown;
  cloud::Findings findings;
  for (const auto& [key, value] : change.writes) {
    const auto name = name_of(key);
    if (!name) continue;
    edits.push_back({*name, std::nullopt});
    unknown.emplace_back(to_string(key), "");
    if (!value) continue;
    auto read = cloud::read_stored(cloud(), *name, *value, findings);
    if (!read) continue;  // and there is a finding
    edits.back().object = std::move(read->object);
    unknown.back().second = std::move(read->unknown);
  }
  auto changes = cloud_.edit(std::move(edits), std::move(findings));
  if (!changes) return tl::unexpected(summary_of(changes.error()));
  for (const Write& write : change.writes) note(write, change.revision);
  for (auto& [name, keys] : unknown) {
    if (keys.empty()) {
      unknown_.erase(name);
    } else {
      unknown_[name] = std::move(keys);
    }
  }
  freed_.note(change.freed, change.at);
  revision_ = change.revision;
  change_ = change.id;
  return std::move(*changes);
}

tl::expected<cloud::Changes, std::string> Copy::replace(const Snapshot& snapshot) {
  auto read = read_records(snapshot.records);
  if (!read) return tl::unexpected(std::move(read.error()));
  auto checked = cloud::CheckedCloud::of(std::move(read->cloud), std::move(read->pools));
  if (!checked) return tl::unexpected(summary_of(checked.error()));
  cloud::Changes changes = cloud::differences(cloud(), checked->cloud());
  cloud_ = std::move(*checked);
  meta_.clear();
  meta_.reserve(snapshot.records.size());
  digest_ = {};
  unknown_ = {std::make_move_iterator(read->unknown.begin()),
              std::make_move_iterator(read->unknown.end())};
  for (const auto& [key, value, revision] : snapshot.records) {
    const Digest digest = digest_of_record(key, value);
    digest_ ^= digest;
    meta_[meta_key(key)] = {revision, digest};
  }
  identity_ = snapshot.identity;
  revision_ = snapshot.revision;
  change_ = snapshot.change;
  return changes;
}

}  // namespace novaplane::store
