#include "tools/document.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "dataplane/base/files.h"
#include "dataplane/cli/nearest.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

/// ": did you mean cloud.yaml?"
std::string nearby_file(const std::string& file) {
  const auto slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : file.substr(0, slash + 1);
  if (::access(file.c_str(), F_OK) == 0) return {};
  const auto names = list_directory(folder.empty() ? "." : folder);
  if (!names) return {};
  const auto found = cli::nearest(file.substr(folder.size()), *names);
  return found ? fmt::format(": did you mean {}{}?", folder, *found) : "";
}

std::string machine_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string names_of(const cloud::Cloud& cloud) {
  std::vector<std::string_view> names;
  for (const auto& [name, host] : cloud.hosts) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

tl::expected<cloud::Cloud, std::vector<cloud::Mistake>> read_document(const std::string& file) {
  auto cloud = cloud::parse_file(file);
  if (!cloud && cloud.error().front().kind == "unreadable") {
    cloud.error().front().text += nearby_file(file);
  }
  return cloud;
}

std::string host_of(const Options& options) {
  return options.host.empty() ? machine_name() : options.host;
}

std::string missing_host(const cloud::Cloud& cloud, const std::string& host,
                         const Options& options) {
  if (cloud.hosts.contains(host)) return {};
  const std::string& file = options.arguments.front();
  if (cloud.hosts.empty()) return fmt::format("{} has no hosts, so none is {}", file, host);
  return fmt::format("host {}{} is not in {}, which has {}{}", host,
                     options.host.empty() ? " (this machine's name)" : "", file, names_of(cloud),
                     options.host.empty() ? ": say which one this is with --host" : "");
}

std::optional<cloud::Cloud> document_for(const Options& options) {
  auto cloud = read_document(options.arguments.front());
  if (!cloud) {
    for (const cloud::Mistake& mistake : cloud.error()) complain(mistake.message());
    return std::nullopt;
  }
  const std::string missing = missing_host(*cloud, host_of(options), options);
  if (!missing.empty()) {
    complain(missing);
    return std::nullopt;
  }
  return std::move(*cloud);
}

}  // namespace novaplane::tools
