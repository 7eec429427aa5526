#include <fmt/format.h>

#include "dataplane/base/printable.h"
#include "dataplane/node/changed_default.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/json.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

std::string contents_of(const cloud::Cloud& cloud) {
  std::vector<std::string> parts{
      count(cloud.hosts.size(), "host"), count(cloud.networks.size(), "network"),
      count(cloud.ports.size(), "port"), count(cloud.floating_ips.size(), "floating IP")};
  if (!cloud.port_forwards.empty()) {
    parts.push_back(count(cloud.port_forwards.size(), "port forward"));
  }
  if (!cloud.security_groups.empty()) {
    parts.push_back(count(cloud.security_groups.size(), "security group"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

int tell(const std::vector<cloud::Mistake>& mistakes, bool json) {
  if (json) print(to_json(mistakes));
  for (const cloud::Mistake& mistake : mistakes) {
    if (!json) fmt::print(stderr, "{}\n", printable(mistake.message()));
  }
  return kFailed;
}

void tell_hints(std::vector<cloud::Mistake> hints) {
  for (cloud::Mistake& hint : hints) {
    hint.text.insert(0, "hint: ");
    fmt::print(stderr, "{}\n", printable(hint.message()));
  }
}

}  // namespace

int check(const Options& options) {
  const std::string& file = options.arguments.front();
  const auto cloud = read_document(file);
  if (!cloud) return tell(cloud.error(), options.json);
  if (!options.host.empty()) {
    if (const auto missing = missing_host(*cloud, options.host, options); !missing.empty()) {
      complain(missing);
      return kFailed;
    }
  }
  auto hints = cloud::hints(*cloud, file);
  if (auto words = node::changed_default(*cloud, host_of(options)); !words.empty()) {
    hints.push_back({file, 0, 0, "changed-default", std::move(words)});
  }
  if (options.json) {
    print(to_json(*cloud, hints));
  } else {
    tell_hints(std::move(hints));
    print(fmt::format("{}: ok: {}\n", file, contents_of(*cloud)));
  }
  return kDone;
}

}  // namespace novaplane::tools
