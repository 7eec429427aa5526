#pragma once

#include <utility>  // Boost 1.74 uses std::exchange without it

#include <boost/beast/http/fields.hpp>
#include <string>
#include <string_view>

#include "metadata/guests.h"

/// Which headers pass between a guest and the metadata server.
namespace novaplane::metadata {

using Fields = boost::beast::http::fields;

/// Takes out what belongs to one connection only (RFC 9110, section 7.6.1).
void remove_hop_by_hop(Fields& fields);

/// Whether a header would tell the server who asks, in any spelling that a server may take for the
/// same: capital letters, and '_' for '-' (CGI and WSGI write both alike).
bool is_about_identity(std::string_view name);

/// Says who asks, in the guest's place: X-Forwarded-For, X-Instance-Port and, as far as the
/// document says it, X-Instance-ID with X-Instance-ID-Signature (if there is a secret) and
/// X-Tenant-ID. Whatever the guest said of itself goes.
void say_who_asks(Fields& fields, const Guest& guest, std::string_view secret);

}  // namespace novaplane::metadata
