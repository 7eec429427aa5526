#include "dataplane/cloud/checked_cloud.h"

#include <utility>

#include "dataplane/cloud/transaction.h"

namespace novaplane::cloud {

CheckedCloud::CheckedCloud() : state_(std::make_unique<State>()) {}
CheckedCloud::~CheckedCloud() = default;
CheckedCloud::CheckedCloud(CheckedCloud&&) noexcept = default;
CheckedCloud& CheckedCloud::operator=(CheckedCloud&&) noexcept = default;

tl::expected<CheckedCloud, std::vector<Finding>> CheckedCloud::of(Cloud cloud, Pools pools) {
  CheckedCloud checked;
  Draft& draft = checked.state_->draft;
  draft.cloud = std::move(cloud);
  draft.pools = std::move(pools);
  Findings findings;
  validate(draft, findings);
  if (!findings.empty()) return tl::unexpected(findings.take());
  checked.state_->index_all();
  return checked;
}

const Cloud& CheckedCloud::cloud() const { return state_->cloud(); }
const Pools& CheckedCloud::pools() const { return state_->draft.pools; }

std::optional<AnyObject> CheckedCloud::find(const ObjectName& name) const {
  return state_->find(name);
}

tl::expected<Changes, std::vector<Finding>> CheckedCloud::edit(std::vector<ObjectEdit> edits,
                                                               Findings read) {
  Transaction transaction(*state_, std::move(edits));
  transaction.validate(read);
  if (read.empty()) return transaction.changes();
  transaction.take_back();
  return tl::unexpected(read.take());
}

tl::expected<std::vector<ObjectEdit>, std::vector<Finding>> CheckedCloud::check(
    std::vector<ObjectEdit> edits, Findings read, const Look& look) {
  Transaction transaction(*state_, std::move(edits));
  transaction.validate(read);
  auto put = transaction.edits();
  if (look && read.empty()) look(cloud(), put);
  transaction.take_back();
  if (!read.empty()) return tl::unexpected(read.take());
  return put;
}

std::string CheckedCloud::holder(const Network& network, const IpAddress& address) const {
  if (const auto held = holder_on(cloud(), network, address)) return *held;
  if (network.other_routers.contains(address)) {
    return fmt::format("a router of network {}", network.name);
  }
  if (const Port* port = state_->ports.with_address(network.name, address, nullptr)) {
    return fmt::format("port {}", port->name);
  }
  const auto guests = state_->ports.with_pair(network.name, address);
  return guests.empty() ? "" : fmt::format("allowed_pairs of port {}", guests.front()->name);
}

std::string CheckedCloud::public_holder(const IpAddress& address) const {
  if (const auto refusal = state_->holders.of(address)) return refusal->sentence;
  if (cloud().floating_ips.contains(address)) return fmt::format("floating IP {}", address);
  const auto forwards = state_->publics.forwards_at(address);
  return forwards.empty() ? "" : fmt::format("port forward {}", forwards.front()->name);
}

const Port* CheckedCloud::port_of(const Mac& mac) const {
  return state_->ports.with_mac(mac, nullptr);
}
std::vector<const Port*> CheckedCloud::ports_of(const std::string& network) const {
  return state_->ports.of_network(network);
}
std::vector<const FloatingIp*> CheckedCloud::floating_ips_of(const std::string& port) const {
  return state_->publics.floating_ips_of(port);
}
std::vector<const PortForward*> CheckedCloud::forwards_of(const std::string& port) const {
  return state_->publics.forwards_of(port);
}

}  // namespace novaplane::cloud
