#include "tools/options.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <sstream>

#include "dataplane/cli/parse.h"

namespace novaplane::tools {
namespace {

namespace po = boost::program_options;

po::options_description described(Options& options) {
  constexpr unsigned kWidth = 100;
  po::options_description description("Options", kWidth);
  description.add_options()  //
      ("host", po::value(&options.host)->value_name("NAME"),
       "the host of the document that this one is (default: its host name)")  //
      ("run-dir", po::value(&options.run_dir)->value_name("DIR"),
       "where dnsmasq and what was found are kept (default: /run/novaplane)")  //
      ("confirm", po::value(&options.confirm)->value_name("TIME"),
       "up: bring back what was before, unless confirmed within 30s, 5m or 1h")      //
      ("json", po::bool_switch(&options.json), "JSON instead of text")               //
      ("verbose,v", po::bool_switch(&options.verbose), "every step, not a summary")  //
      ("help,h", po::bool_switch(&options.help), "this text")                        //
      ("version", po::bool_switch(&options.version), "the version");
  return description;
}

}  // namespace

tl::expected<Options, std::string> parse(const std::vector<std::string>& words) {
  Options options;
  options.words = words;
  const auto positional = cli::parse(words, described(options));
  if (!positional) return tl::unexpected(positional.error());
  if (positional->empty()) return options;
  options.command = positional->front();
  options.arguments.assign(positional->begin() + 1, positional->end());
  return options;
}

std::string options_help() {
  Options options;
  std::ostringstream text;
  text << described(options);
  return text.str();
}

}  // namespace novaplane::tools
