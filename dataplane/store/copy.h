#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/cloud/checked_cloud.h"
#include "dataplane/store/store.h"

namespace novaplane::store {

/// What a host has of the store: the cloud at one revision, validated, with what the store needs of
/// each record. It changes by whole revisions only, and by nothing else.
class Copy {
 public:
  const cloud::CheckedCloud& cloud() const { return cloud_; }
  const std::string& identity() const { return identity_; }
  Revision revision() const { return revision_; }
  const std::string& change() const { return change_; }  ///< id of the last one
  const Digest& digest() const { return digest_; }
  std::size_t objects() const { return meta_.size(); }

  /// Of the change that wrote the object last; 0: there is no such object.
  Revision revision_of(const cloud::ObjectName&) const;
  /// The keys of the object that this version does not know, as JSON; empty: none.
  std::string unknown_of(const cloud::ObjectName&) const;

  /// The writes that make the edits, as check() has returned them.
  std::vector<Write> writes_of(const std::vector<cloud::ObjectEdit>& edits) const;
  /// What the digest and the number of objects will be after them.
  void foresee(Change& change) const;

  /// The revision after this one. All of it or nothing: what is not valid here is refused, with
  /// the reason.
  tl::expected<cloud::Changes, std::string> apply(const Change&);
  /// All of it new; the changes are those from the cloud before.
  tl::expected<cloud::Changes, std::string> replace(const Snapshot&);

  /// Addresses that were freed within that time: not to be given out again.
  // ...
 private:
  struct Meta {
    Revision revision = 0;
    Digest digest;
  };
  cloud::CheckedCloud cloud_;
  std::string identity_, change_;
  Revision revision_ = 0;
  Digest digest_;
  std::unordered_map<std::string, Meta> meta_;  ///< "ports/web1"
  std::map<std::string, std::string> unknown_;  ///< few have any
};

}  // namespace novaplane::store
