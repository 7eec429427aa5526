#include <signal.h>

#include <filesystem>
#include <iostream>

#include "tests/netns/recorded/cloud.h"
#include "tests/netns/world/recording.h"

/// Records what another version leaves on a host; see README.md here.
namespace novaplane::netns {
namespace {

Outcome plan(const RecordedCloud& cloud, const std::string& novaplane) {
  return cloud.h1.run(
      {novaplane, "plan", cloud.world.file(), "--host", "h1", "--run-dir", cloud.h1.run_dir()});
}

/// False: it did not come up.
bool record(const std::string& novaplane, const std::string& novaplaned,
            const std::string& folder) {
  RecordedCloud cloud;
  cloud.world.write();
  const Before before(cloud.h1);
  Child daemon({.argv = {novaplaned, "--state", cloud.world.file(), "--host", "h1", "--run-dir",
                         cloud.h1.run_dir()},
                .namespace_fd = cloud.h1.fd()},
               cloud.world.folder() + "/h1.log");
  const bool is_up = eventually([&] {
    const std::string routers = read_file(cloud.h1.run_dir() + "/routers");
    return routers.find(cloud.router.mac()) != std::string::npos && plan(cloud, novaplane).ok();
  });
  daemon.signal(SIGTERM);
  if (daemon.wait() != 0 || !is_up) {
    std::cerr << daemon.log();
    return false;
  }
  std::filesystem::remove_all(folder);
  before.record(folder);
  return true;
}

/// That version finds nothing to do where its record was restored.
bool check(const std::string& novaplane, const std::string& folder) {
  RecordedCloud cloud;
  cloud.world.write();
  restore(cloud.h1, folder);
  const auto outcome = plan(cloud, novaplane);
  if (!outcome.ok()) std::cerr << outcome.text();
  return outcome.ok();
}

}  // namespace
}  // namespace novaplane::netns

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "record NOVAPLANE NOVAPLANED FOLDER\n";
    return 64;
  }
  using namespace novaplane::netns;
  return record(argv[1], argv[2], argv[3]) && check(argv[1], argv[3]) ? 0 : 1;
}
