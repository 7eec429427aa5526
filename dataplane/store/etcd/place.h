#pragma once

#include <string>
#include <vector>

#include "dataplane/store/store.h"

namespace novaplane::store::etcd {

/// Where a cloud is, as its words say:
///   https://n1:2379,https://n2:2379?cacert=FILE&cert=FILE&key=FILE&prefix=/novaplane
/// The names of the options are etcdctl's.
struct Place {
  std::vector<std::string> members;  ///< "n1:2379", "[fd00::1]:2379", each once
  bool is_encrypted = false;         ///< https, for all of them
  std::string cacert;                ///< empty: the system's certificate authorities
  std::string cert, key;             ///< who we are; both or none
  std::string prefix = "/novaplane";

  /// "https://n1:2379,https://n2:2379", for sentences.
  std::string text() const;
  std::string url(std::size_t member) const;
};

Answer<Place> parse_place(const std::string& words);

}  // namespace novaplane::store::etcd
