#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataplane/cloud/checked_cloud.h"
#include "dataplane/store/freed_addresses.h"
#include "dataplane/store/store.h"

namespace novaplane::store {

/// What a host has of the store: the cloud at one revision, validated, with what the store needs of
/// each record. It changes by whole revisions only, and by nothing else.
class Copy {
 public:
  const cloud::CheckedCloud& checked() const { return cloud_; }
  const cloud::Cloud& cloud() const { return cloud_.cloud(); }
  const cloud::Pools& pools() const { return cloud_.pools(); }
  const std::string& identity() const { return identity_; }  ///< empty: nothing was ever loaded
  Revision revision() const { return revision_; }
  const std::string& change() const { return change_; }  ///< id of the last one
  const Digest& digest() const { return digest_; }
  std::size_t objects() const { return meta_.size(); }  ///< those of unknown kinds as well
  /// Addresses that were free a short time ago.
  FreedAddresses& freed() { return freed_; }
  const FreedAddresses& freed() const { return freed_; }

  /// Of the change that wrote the object last, for ETags; 0: there is no such object.
  Revision revision_of(const cloud::ObjectName& name) const;
  /// The object as JSON; none: there is none. Keys that this version does not know are left out:
  /// they stay in the store, whatever is written in their object's place.
  std::optional<std::string> json_of(const cloud::ObjectName& name) const;

  /// Whether the edits are valid, and what has to be written for them: nothing for an object that
  /// is so already. The change has what is known of it before it is committed.
  struct Foreseen {
    std::vector<cloud::ObjectEdit> edits;
    Change change;  ///< without id, by, at, revision
  };
  tl::expected<Foreseen, std::vector<cloud::Finding>> foresee(std::vector<cloud::ObjectEdit> edits,
                                                              cloud::Findings read = {});

  /// Whether the change, on what is here, makes what its digest and its number of objects tell.
  bool leads_to(const Change& change) const;
  /// The next revision. All of it or nothing: what is not valid here is refused, in a sentence.
  tl::expected<cloud::Changes, std::string> apply(const Change& change);
  /// All of it new; the changes are those from the cloud before.
  tl::expected<cloud::Changes, std::string> replace(const Snapshot& snapshot);

 private:
  struct Meta {
    Revision revision = 0;
    Digest digest;
  };
  std::string unknown_of(const cloud::ObjectName& name) const;
  Write write_of(const cloud::Cloud& cloud, const cloud::ObjectEdit& edit) const;
  bool changes_anything(const Write& write) const;
  std::pair<Digest, std::size_t> sum_after(const std::vector<Write>& writes) const;
  void note(const Write& write, Revision revision);

  cloud::CheckedCloud cloud_;
  std::string identity_, change_;
  Revision revision_ = 0;
  Digest digest_;
  /// By a digest of the key: of 100,000 keys two have the same once in some billion clouds, which
  /// the digest of the whole then tells of.
  std::unordered_map<std::uint64_t, Meta> meta_;
  std::map<std::string, std::string> unknown_;  ///< by "ports/web1"; few objects have any
  FreedAddresses freed_;
};

}  // namespace novaplane::store
