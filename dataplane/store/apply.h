#pragma once

#include <vector>

#include "dataplane/cloud/document.h"
#include "dataplane/store/copy.h"

namespace novaplane::store {

/// What has to be edited so that the cloud has all that the document says: objects that differ, or
/// are new, and ranges. With `prunes`, what the document does not name is removed, and objects get
/// the order that they have in it; else those that are there keep their places.
std::vector<cloud::ObjectEdit> edits_to(const Copy& copy, cloud::Document document, bool prunes);

}  // namespace novaplane::store
