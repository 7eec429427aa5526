#include "tools/options.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <sstream>

#include "tools/nearest.h"

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

std::string unknown_option(const std::string& option, const po::options_description& description) {
  std::vector<std::string> names;
  for (const auto& known : description.options()) names.push_back("--" + known->long_name());
  return fmt::format("unknown option {}{}", option, did_you_mean(option, names));
}

/// `--host=NAME` and `--host NAME`; no abbreviations, so that scripts survive new options.
constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;

}  // namespace

tl::expected<Options, std::string> parse(const std::vector<std::string>& words) {
  Options options;
  options.words = words;
  std::vector<std::string> positional;
  const po::options_description visible = described(options);
  po::options_description all;
  all.add(visible).add_options()("positional", po::value(&positional));
  po::positional_options_description places;
  places.add("positional", -1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(all).positional(places).style(kStyle).run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    return tl::unexpected(unknown_option(error.get_option_name(), visible));
  } catch (const po::error& error) {
    return tl::unexpected(std::string(error.what()));
  }
  if (positional.empty()) return options;
  options.command = positional.front();
  options.arguments.assign(positional.begin() + 1, positional.end());
  return options;
}

std::string options_help() {
  Options options;
  std::ostringstream text;
  text << described(options);
  return text.str();
}

}  // namespace novaplane::tools
