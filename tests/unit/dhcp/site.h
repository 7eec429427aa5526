#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/service_driver.h"
#include "dhcp/config.h"
#include "dhcp/dnsmasq_driver.h"
#include "tests/support/netns.h"

namespace novaplane::dhcp {

/// What a DHCP client was given, by the names of udhcpc's environment: ip, router, mtu, dns, ...
using Given = std::map<std::string, std::string>;

inline constexpr const char* kMacA = "fa:16:3e:00:00:0a";

/// A host (the namespace that the test lives in) with a driver, and a namespace of guests.
class Site : public ::testing::Test {
 protected:
  Site();
  ~Site() override;

  /// Bridge br-NAME with 10.0.N.1/24 and a guest's link gNAME behind it.
  cloud::Network make_network(const std::string& name, int number);
  void run(const std::string& command) const;        ///< in the host; must succeed
  void run_guest(const std::string& command) const;  ///< among the guests
  std::string guest_says(const std::string& command) const;
  /// udhcpc with this MAC on the network's link; none: nobody answered.
  std::optional<Given> lease(const std::string& network, const std::string& mac,
                             int tries = 8) const;
  Fd listen_raw(
      const std::string& network) const;  ///< all frames of the guest's link, not blocking
  Fd open_udp_among_guests() const;
  std::string address_given(const std::string& network, const std::string& mac,
                            int tries = 8) const;  ///< or "nothing"
  /// The address of a name, asked until it is `expected` or a deadline passes: dnsmasq hears of
  /// files by events of its own.
  std::string resolve(const std::string& name, const std::string& server,
                      const std::string& expected) const;

  engine::Service service(const cloud::Network& network) const;
  std::size_t times_logged(const std::string& network, const std::string& words) const;

  // What is wanted, as the engine would hold it.
  void want(const cloud::Network& network);
  void want_port(const std::string& network, const std::string& name, const std::string& mac,
                 const std::string& address);
  void want_blue();  ///< network blue with port web1: kMacA, 10.0.0.10
  void unwant_port(const std::string& network, const std::string& name);
  void unwant(const std::string& network);

  /// Observes, applies the differences, observes again: the number of steps; all must succeed and
  /// nothing be left.
  std::size_t converge();
  std::vector<Result<void>> apply_differences();  ///< the same without looking again
  std::string start_error();                      ///< of the only service that is to start
  std::vector<engine::Step> differences();
  pid_t pid(const std::string& network) const;  ///< as the pid file says

  test::NetworkNamespace host_;
  Fd guests_;
  std::string folder_, run_dir_;
  std::optional<DnsmasqDriver> driver_;
  std::map<engine::ServiceKey, engine::Service> services_;
  std::map<std::pair<std::string, std::string>, engine::ServiceEntry> entries_;
};

}  // namespace novaplane::dhcp
