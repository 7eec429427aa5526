#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/store/store.h"

/// Where what is in etcd. PREFIX/v1/ is followed by
///
///   cloud                what the last change has left: the guard, written by every change
///   cloud/KIND/NAME      an object
///   history/REVISION     who has made a change: that of the revision it was made on, in 20 digits
///   identity             made with the store
///   status/HOST, alive/HOST
///
/// Guard and objects are one range, which one watch follows; nothing else is in it.
namespace novaplane::store::etcd {

class Keys {
 public:
  explicit Keys(const std::string& prefix) : root_(prefix + "/v1/"), guard_(root_ + "cloud") {}

  const std::string& guard() const { return guard_; }
  std::string guard_and_objects_end() const { return guard_ + '0'; }  ///< '0' follows '/'
  std::string object(const Key& key) const { return guard_ + '/' + key.kind + '/' + key.name; }
  /// None: it is no object's.
  std::optional<Key> object_of(std::string_view key) const;

  std::string identity() const { return root_ + "identity"; }
  std::string history() const { return root_ + "history/"; }
  std::string history_end() const { return root_ + "history0"; }
  std::string history(Revision made_on) const;
  /// Of a key of the history; 0 where it is none.
  Revision made_on(std::string_view history_key) const;

  std::string statuses() const { return root_ + "status/"; }
  std::string statuses_end() const { return root_ + "status0"; }
  std::string living() const { return root_ + "alive/"; }
  std::string living_end() const { return root_ + "alive0"; }

 private:
  std::string root_, guard_;
};

}  // namespace novaplane::store::etcd
