#include "dataplane/daemon/options.h"

#include <fmt/format.h>
#include <getopt.h>
#include <unistd.h>

#include <climits>
#include <filesystem>

namespace novaplane::daemon {
namespace {

constexpr int kWrongUsage = 64;  // EX_USAGE, sysexits.h
constexpr std::string_view kUsage =
    "usage: novaplaned --state FILE [--host NAME] [--run-dir DIR] [--log-level LEVEL]\n"
    "\n"
    "Keeps this host's network as the document says: watches the document and the kernel.\n"
    "\n"
    "  --state FILE       the document (cloud.yaml)\n"
    "  --host NAME        this host's name in it (default: the host name)\n"
    "  --run-dir DIR      what the kernel cannot remember, and control.sock (default: "
    "/run/novaplane)\n"
    "  --log-level LEVEL  debug, info, warning or error (default: info)\n"
    "  --help, --version\n";

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

/// The daemon may be asked about its document by one with another working directory.
std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

Usage wrong(const std::string& why) {
  return {fmt::format("novaplaned: {}\n{}", why, kUsage), kWrongUsage};
}

}  // namespace

std::variant<Options, Usage> parse_options(int argc, char** argv) {
  static const option kOptions[] = {{"state", required_argument, nullptr, 's'},
                                    {"host", required_argument, nullptr, 'h'},
                                    {"run-dir", required_argument, nullptr, 'r'},
                                    {"log-level", required_argument, nullptr, 'l'},
                                    {"help", no_argument, nullptr, '?'},
                                    {"version", no_argument, nullptr, 'v'},
                                    {}};
  Options options{{}, host_name()};
  opterr = 0;
  optind = 1;
  for (int found = 0; (found = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 's':
        options.document = absolute(optarg);
        break;
      case 'h':
        options.host = optarg;
        break;
      case 'r':
        options.run_dir = absolute(optarg);
        break;
      case 'l':
        if (const auto level = log::parse_level(optarg)) {
          options.log_level = *level;
          break;
        }
        return wrong(fmt::format("no log level {}", optarg));
      case 'v':
        return Usage{"novaplaned " NOVAPLANE_VERSION "\n", 0};
      default:
        if (optopt == 0) return Usage{std::string(kUsage), 0};
        return wrong(fmt::format("do not know what to do with {}", argv[optind - 1]));
    }
  }
  if (optind < argc) return wrong(fmt::format("do not know what to do with {}", argv[optind]));
  if (options.document.empty()) return wrong("--state is missing");
  return options;
}

}  // namespace novaplane::daemon
