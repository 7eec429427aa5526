#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dataplane/cloud/object.h"
#include "dataplane/store/copy.h"

namespace novaplane::api {

/// Calls f with each object of the kind, in the order of the document.
void for_each_object(const store::Copy& copy, cloud::Kind kind,
                     const std::function<void(const cloud::AnyObject&)>& f);

/// The keys that objects of the kind have in the document.
std::vector<std::string> keys_of(cloud::Kind kind);

}  // namespace novaplane::api
