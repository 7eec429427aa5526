#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"

/// What the proxy knows of guests: a file of lines, "10.0.0.11 web1 INSTANCE PROJECT"; "-" stands
/// for what the document does not say.
namespace novaplane::metadata {

struct Guest {
  IpAddress address;              ///< its fixed address, unique among the networks of a cloud
  std::string port;               ///< its name in the document
  std::string instance, project;  ///< empty: the document does not say
  bool operator==(const Guest&) const = default;
};

std::string line_of(const Guest&);  ///< without an end
std::optional<Guest> guest_of(std::string_view line);

using Guests = std::unordered_map<IpAddress, Guest>;

/// The file's text as guests. EINVAL with the number of the first line that is none.
Result<Guests> guests_in(std::string_view text);

}  // namespace novaplane::metadata
