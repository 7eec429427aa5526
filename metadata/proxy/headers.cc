#include "metadata/proxy/headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/rfc7230.hpp>
#include <vector>

#include "metadata/proxy/signature.h"

namespace novaplane::metadata {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kHopByHop[] = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
};
constexpr std::string_view kOfIdentity[] = {
    "forwarded", "x-forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip",
    "via",       "x-instance-", "x-tenant-", "x-project-",  "x-metadata-provider",
};

std::string canonical(std::string_view name) {
  std::string text(name);
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    if (letter == '_') letter = '-';
  }
  return text;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

template <class Predicate>
void remove_if(Fields& fields, Predicate goes) {
  for (auto field = fields.begin(); field != fields.end();) {
    field = goes(canonical(view(field->name_string()))) ? fields.erase(field) : std::next(field);
  }
}

}  // namespace

void remove_hop_by_hop(Fields& fields) {
  std::vector<std::string> named;
  const auto [first, last] = fields.equal_range(http::field::connection);
  for (auto field = first; field != last; ++field) {
    for (const auto token : http::token_list(field->value()))
      named.push_back(canonical(view(token)));
  }
  // What frames the message is not for a guest to take away.
  std::erase_if(named, [](const std::string& name) {
    return name == "content-length" || name == "transfer-encoding" || name == "host";
  });
  remove_if(fields, [&](const std::string& name) {
    return std::ranges::find(kHopByHop, name) != std::end(kHopByHop) ||
           std::ranges::find(named, name) != named.end();
  });
}

bool is_about_identity(std::string_view name) {
  const std::string spelled = canonical(name);
  return std::ranges::any_of(kOfIdentity, [&](std::string_view begin) {
    return begin == "via" ? spelled == begin : spelled.starts_with(begin);
  });
}

void say_who_asks(Fields& fields, const Guest& guest, std::string_view secret) {
  remove_if(fields, is_about_identity);
  fields.set("X-Forwarded-For", fmt::format("{}", guest.address));
  fields.set("X-Instance-Port", guest.port);
  if (!guest.project.empty()) fields.set("X-Tenant-ID", guest.project);
  if (guest.instance.empty()) return;
  fields.set("X-Instance-ID", guest.instance);
  if (!secret.empty()) fields.set("X-Instance-ID-Signature", sign(secret, guest.instance));
}

}  // namespace novaplane::metadata
