#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

/// The kinds of objects of a cloud, as people call them.
namespace novaplane::tools {

/// A column of `get`; `key`: where its value is in the object, as "dhcp.lease". Empty: the name.
struct Column {
  std::string_view title, key;
};

struct KindWords {
  std::string_view section;           ///< "floating_ips": in documents and in the API
  std::string_view singular, plural;  ///< "floating IP"
  std::span<const Column> columns;
};

/// "port", "ports", "floating-ip", "floating_ips", "fip", "group", ...; an error is a sentence.
tl::expected<const KindWords*, std::string> kind_called(std::string_view word);

/// "port web1", of "ports" and "web1"; "ports/web1" of a section that is not known.
std::string object_called(std::string_view section, std::string_view name);

/// One object of a kind, as it was typed; `name` may be empty.
struct Target {
  const KindWords* kind = nullptr;
  std::string name;

  bool is_ranges() const { return kind->section == "ranges"; }
  std::string path() const;  ///< "/v1/ports/web1", "/v1/ports"
  std::string words() const { return object_called(kind->section, name); }
};

/// What is allowed in a part of a URL's path or query stands as it is.
std::string url_encoded(std::string_view text);
std::string url_decoded(std::string_view text);

}  // namespace novaplane::tools
