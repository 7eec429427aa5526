#include "dataplane/store/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/cloud/schema.h"
#include "dataplane/cloud/text.h"

namespace novaplane::store {
namespace {

/// Puts an object into the cloud that is being read.
struct Put {
  ReadRecords& into;

  void operator()(cloud::Ranges&& ranges) const {
    into.cloud.no_snat = std::move(ranges.no_snat);
    into.cloud.force_snat = std::move(ranges.force_snat);
  }
  void operator()(cloud::Host&& host) const { put(into.cloud.hosts, std::move(host)); }
  void operator()(cloud::SecurityGroup&& group) const {
    put(into.cloud.security_groups, std::move(group));
  }
  void operator()(cloud::Network&& network) const { put(into.cloud.networks, std::move(network)); }
  void operator()(cloud::Port&& port) const { put(into.cloud.ports, std::move(port)); }
  void operator()(cloud::FloatingIp&& ip) const {
    into.cloud.floating_ips.insert_or_assign(ip.address, std::move(ip));
  }
  void operator()(cloud::PortForward&& forward) const {
    put(into.cloud.port_forwards, std::move(forward));
  }
  void operator()(cloud::Pool&& pool) const { put(into.pools, std::move(pool)); }

 private:
  static void put(auto& objects, auto&& object) {
    std::string name = object.name;
    objects.insert_or_assign(std::move(name), std::move(object));
  }
};

}  // namespace

Key key_of(const cloud::ObjectName& name) {
  return {std::string(cloud::section_of(name.kind)), name.name};
}

std::optional<cloud::ObjectName> name_of(const Key& key) {
  const auto kind = cloud::kind_of(key.kind);
  if (!kind) return std::nullopt;
  return cloud::ObjectName{*kind, key.name};
}

std::vector<Record> records_of(const cloud::Cloud& cloud, const cloud::Pools& pools) {
  std::vector<Record> records;
  const auto add = [&](cloud::AnyObject object) {
    const Key key = key_of(cloud::name_of(object));
    records.push_back({key, cloud::to_stored(cloud, object), 0});
  };
  if (!cloud.no_snat.empty() || !cloud.force_snat.empty()) {
    add(cloud::Ranges{cloud.no_snat, cloud.force_snat});
  }
  for (const auto& [name, object] : cloud.hosts) add(object);
  for (const auto& [name, object] : cloud.security_groups) add(object);
  for (const auto& [name, object] : cloud.networks) add(object);
  for (const auto& [name, object] : cloud.ports) add(object);
  for (const auto& [name, object] : cloud.floating_ips) add(object);
  for (const auto& [name, object] : cloud.port_forwards) add(object);
  for (const auto& [name, object] : pools) add(object);
  return records;
}

tl::expected<ReadRecords, std::string> read_records(const std::vector<Record>& records) {
  const cloud::Cloud nothing;
  ReadRecords read;
  const auto count = [&](std::string_view kind) {
    return static_cast<std::size_t>(std::ranges::count(
        records, kind, [](const Record& record) -> std::string_view { return record.key.kind; }));
  };
  read.cloud.ports.reserve(count(cloud::section_of(cloud::Kind::port)));
  read.cloud.floating_ips.reserve(count(cloud::section_of(cloud::Kind::floating_ip)));
  cloud::Findings findings;
  for (const Record& record : records) {
    const auto name = name_of(record.key);
    if (!name) continue;
    auto object = cloud::read_stored(nothing, *name, record.value, findings);
    if (!findings.empty()) return tl::unexpected(summary_of(findings.take()));
    if (!object) return tl::unexpected(to_string(record.key) + " cannot be read");
    if (!object->unknown.empty()) {
      read.unknown.emplace_back(to_string(record.key), std::move(object->unknown));
    }
    std::visit(Put{read}, std::move(object->object));
  }
  cloud::complete(read.cloud);
  return read;
}

std::string summary_of(const std::vector<cloud::Finding>& findings) {
  if (findings.empty()) return "";
  const cloud::Finding& first = findings.front();
  std::string text = fmt::format("{}: {}", cloud::to_string(first.path), first.sentence);
  if (findings.size() > 1) text += fmt::format(" (and {} more)", findings.size() - 1);
  return text;
}

}  // namespace novaplane::store
