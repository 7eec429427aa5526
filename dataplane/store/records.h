#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/object.h"
#include "dataplane/store/store.h"

/// Objects of the cloud as records of a store, and back.
namespace novaplane::store {

Key key_of(const cloud::ObjectName& name);
/// None: a kind that this version does not know.
std::optional<cloud::ObjectName> name_of(const Key& key);

/// All objects of the cloud; an object that says nothing (no ranges at all) is left out.
std::vector<Record> records_of(const cloud::Cloud& cloud, const cloud::Pools& pools);

/// The cloud that records make, not validated.
struct ReadRecords {
  cloud::Cloud cloud;
  cloud::Pools pools;
  std::vector<std::pair<std::string, std::string>> unknown;  ///< "ports/web1" -> unknown keys
};
/// Fails with the first sentence that says why.
tl::expected<ReadRecords, std::string> read_records(const std::vector<Record>& records);

/// "ports.web1.address: 10.0.1.7 is outside network blue (10.0.0.0/24) (and 2 more)"
std::string summary_of(const std::vector<cloud::Finding>& findings);

}  // namespace novaplane::store
