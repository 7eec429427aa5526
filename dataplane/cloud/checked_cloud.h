#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/cloud/changes.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/object.h"

namespace novaplane::cloud {

/// A valid cloud that stays valid: each edit is validated against the whole of it. Indexes make an
/// edit of a port, a floating IP, a port forward or a security group cost what it touches, whatever
/// the size of the cloud; an edit of a host or a network costs their number, and what is on it.
class CheckedCloud {
 public:
  CheckedCloud();  ///< an empty cloud
  ~CheckedCloud();
  CheckedCloud(CheckedCloud&&) noexcept;
  CheckedCloud& operator=(CheckedCloud&&) noexcept;

  /// The whole cloud, validated as parse() does it.
  static tl::expected<CheckedCloud, std::vector<Finding>> of(Cloud, Pools = {});

  const Cloud& cloud() const;
  const Pools& pools() const;
  std::optional<AnyObject> find(const ObjectName&) const;

  /// All of the edits or none; the later of two of one object counts. What is found is what parse()
  /// would find in the document that would come of it (of two objects that collide, the edited one
  /// is told of). `read`: what reading the objects has found, which goes into the answer.
  /// An object whose place (`order`) is 0 keeps the one that it has, or gets one behind all others.
  /// The answer: what differs, with what followed (addresses of IPv6 made of MACs, the routers of
  /// networks that ports name).
  tl::expected<Changes, std::vector<Finding>> edit(std::vector<ObjectEdit> edits,
                                                   Findings read = {});
  /// What edit() would answer; nothing changes. The edits come back as they would be put, with
  /// their places and all that follows from the rest. `look` is called with the cloud as it would
  /// be, where that is valid.
  using Look = std::function<void(const Cloud&, const std::vector<ObjectEdit>&)>;
  tl::expected<std::vector<ObjectEdit>, std::vector<Finding>> check(std::vector<ObjectEdit> edits,
                                                                    Findings read = {},
                                                                    const Look& look = {});

  // --- questions to the indexes
  /// Who has an address of a network already, in words ("port web1", "the gateway of network
  /// blue"); empty: it is free for a port. An address that a guest's allowed_pairs name is not
  /// free.
  std::string holder(const Network&, const IpAddress&) const;
  /// Who has a public address already; empty: it is free for a floating IP.
  std::string public_holder(const IpAddress&) const;
  const Port* port_of(const Mac&) const;
  std::vector<const Port*> ports_of(const std::string& network) const;
  std::vector<const FloatingIp*> floating_ips_of(const std::string& port) const;
  std::vector<const PortForward*> forwards_of(const std::string& port) const;

 private:
  struct State;
  class Transaction;
  class EditCheck;
  std::unique_ptr<State> state_;
};

}  // namespace novaplane::cloud
