#include <filesystem>
#include <fstream>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/http.h"
#include "tests/support/pretended.h"
#include "tests/vm/guest_machine.h"

/// A Debian with systemd that asks for its metadata as images of clouds do, through the proxy that
/// says who asks. The server is one that trusts headers alone, as Nova's does.
namespace novaplane::netns {
namespace {

constexpr auto kSignature =  // printf 'i-77' | openssl dgst -sha256 -hmac secret
    "a62d4e2bb46bd05e77474ac13727c5c60eedc16dcc42f49018a825a2e23acde8";

std::string not_found() { return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"; }

/// What Nova answers to the instance that the headers name, and to nobody else.
std::string openstack(const std::string& request) {
  const bool is_signed = request.find("\r\nX-Instance-ID: i-77\r\n") != std::string::npos &&
                         request.find("\r\nX-Tenant-ID: p-7\r\n") != std::string::npos &&
                         request.find(fmt::format("\r\nX-Instance-ID-Signature: {}\r\n",
                                                  kSignature)) != std::string::npos;
  if (!is_signed) return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
  const std::string path = request.substr(4, request.find(' ', 4) - 4);
  if (path == "/openstack" || path == "/openstack/") return http_ok("2012-08-10\nlatest\n");
  if (path.ends_with("/meta_data.json")) {
    return http_ok(R"({"uuid": "i-77", "hostname": "vm1.novalocal", "name": "vm1"})");
  }
  if (path.ends_with("/user_data")) {
    return http_ok(
        "#!/bin/sh\n"
        "until echo \"hello from $(hostname), $(cat /var/lib/cloud/data/instance-id)\" |\n"
        "  nc -N -w 5 192.0.2.1 7777; do :; done\n");
  }
  return not_found();
}

class CloudInitTest : public CloudTest {};

TEST_F(CloudInitTest, RunsTheUserDataOfItsInstance) {
  const test::FirstInPath path(
      std::filesystem::path(NOVAPLANE_METADATA_PROGRAM).parent_path().string());
  const std::string secret = world.folder() + "/secret";
  std::ofstream(secret) << "secret\n";
  document.hosts["h1"] = fmt::format(
      "vm_interface: eth1, metadata: {{address: 127.0.0.1:8775, headers: true, secret_file: {}}}, "
      "uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1}}]",
      secret);
  document.ports["vm1"] =
      "network: blue, host: h1, mac: 'fa:16:3e:12:34:56', address: 10.0.0.50, interface: tap-vm1, "
      "instance_id: i-77, project_id: p-7";
  world.write();
  const HttpServer server(h1, "127.0.0.1", 8775, openstack);
  const Server listener(outside, "192.0.2.1", 7777);
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();

  const Child machine = boot_guest(
      h1, "debian.initrd", "tap-vm1", "fa:16:3e:12:34:56", world.folder() + "/console.log",
      {"-m", "768M", "-smbios", "type=1,product=OpenStack Nova", "-virtfs",
       "local,path=" GUEST_FOLDER
       "/debian,mount_tag=host,security_model=none,readonly=on,multidevs=remap"},
      "mitigations=off no_timer_check");
  EXPECT_TRUE(
      eventually([&] { return listener.heard().find('\n') != std::string::npos; }, 8 * kHangs))
      << machine.log() << daemon.log();
  EXPECT_EQ(listener.heard(), "hello from vm1, i-77\n") << machine.log();
  EXPECT_THAT(server.callers(), Each("127.0.0.1")) << "it asks through the proxy";
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_EQ(h1.plan().status, 0);
}

}  // namespace
}  // namespace novaplane::netns
