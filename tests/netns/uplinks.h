#pragma once

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// h1 with two uplinks, wan (eth0, 192.0.2.11) and wan2 (eth3, 198.18.0.11), to the same world:
/// 198.51.100.7 is behind both. Guest web1 on blue.
class UplinksWorld : public CloudTest {
 protected:
  explicit UplinksWorld(bool br_netfilter = false)
      : CloudTest(Shape{.br_netfilter = br_netfilter, .second_uplink = true}) {
    describe();
  }

  /// `more`: of the host; `probe`, `probe2`: of each uplink.
  void describe(const std::string& more = {}, const std::string& probe = "hold_down: 100ms",
                const std::string& probe2 = "hold_down: 100ms") {
    document.hosts["h1"] = fmt::format(
        "vm_interface: eth1, metadata: 127.0.0.1:8775, {}uplinks: [{{name: wan, interface: eth0, "
        "gateway: 192.0.2.1, probe: {{{}}}}}, {{name: wan2, interface: eth3, gateway: 198.18.0.1, "
        "probe: {{{}}}}}]",
        more, probe, probe2);
  }

  void bring_up() {
    world.up();
    web1.configure();
  }
  Daemon& start_daemon() {
    world.write();
    daemon_ = std::make_unique<Daemon>(world, h1);
    EXPECT_TRUE(daemon_->ready()) << daemon_->log();
    web1.configure();
    return *daemon_;
  }

  void cut(const std::string& nic) { world.fabric.ip("link set h1-" + nic + " down"); }
  void mend(const std::string& nic) { world.fabric.ip("link set h1-" + nic + " up"); }
  /// The next hop is gone, and the carrier is still there.
  void silence(const std::string& nic) { world.fabric.ip("link set outside-" + nic + " down"); }
  void unsilence(const std::string& nic) { world.fabric.ip("link set outside-" + nic + " up"); }

  /// Datagrams to 198.51.100.7 are answered from there.
  void answer_from_beyond() {
    outside.ip_batch(
        fmt::format("route add {}/32 dev eth0 src 198.51.100.7\n"
                    "route add {}/32 dev eth3 src 198.51.100.7\n",
                    kWan, kWan2));
  }

  std::string seen() { return seen_at(web1, "198.51.100.7", 80, 1s); }
  bool leaves_by(const std::string& source, Duration deadline = kHangs) {
    return eventually([&] { return seen() == source; }, deadline);
  }
  std::string show() { return h1.show({"uplinks"}).out; }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  const Server beyond{outside, "0.0.0.0", 80};
  std::unique_ptr<Daemon> daemon_;

  static constexpr const char *kWan = "192.0.2.11", *kWan2 = "198.18.0.11";
};

}  // namespace novaplane::netns
