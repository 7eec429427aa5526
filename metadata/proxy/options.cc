#include "metadata/proxy/options.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <filesystem>

#include "dataplane/cli/parse.h"

namespace novaplane::metadata {
namespace {

namespace po = boost::program_options;

constexpr int kWrongUsage = 64;  // EX_USAGE, sysexits.h
constexpr std::string_view kUsage =
    "usage: novaplane-metadata --config FILE [--check]\n"
    "\n"
    "Stands between guests and the metadata server and tells it who asks. novaplane and\n"
    "novaplaned run it where a host has metadata: {headers: true}.\n"
    "\n"
    "  --config FILE  where it listens, and whom it asks; beside it the file guests\n"
    "  --check        only see whether it could serve with FILE\n"
    "  --help, --version\n";

Usage wrong(const std::string& why) {
  return {fmt::format("novaplane-metadata: {}\n{}", why, kUsage), kWrongUsage};
}

}  // namespace

std::variant<Options, Usage> parse_options(const std::vector<std::string>& words) {
  Options options;
  bool help = false, version = false;
  po::options_description described;
  described.add_options()("config", po::value(&options.config))(
      "check", po::bool_switch(&options.check))("help", po::bool_switch(&help))(
      "version", po::bool_switch(&version));
  const auto others = cli::parse(words, described);
  if (!others) return wrong(others.error());
  if (help) return Usage{std::string(kUsage), 0};
  if (version) return Usage{"novaplane-metadata " NOVAPLANE_VERSION "\n", 0};
  if (!others->empty()) {
    return wrong(fmt::format("do not know what to do with {}", others->front()));
  }
  if (options.config.empty()) return wrong("--config is missing");
  options.config = std::filesystem::absolute(options.config).lexically_normal();
  return options;
}

}  // namespace novaplane::metadata
