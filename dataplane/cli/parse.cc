#include "dataplane/cli/parse.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>

#include "dataplane/cli/nearest.h"

namespace novaplane::cli {
namespace {

namespace po = boost::program_options;

std::string unknown_option(const std::string& option, const po::options_description& described) {
  std::vector<std::string> names;
  for (const auto& known : described.options()) names.push_back("--" + known->long_name());
  return fmt::format("unknown option {}{}", option, did_you_mean(option, names));
}

constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;

}  // namespace

tl::expected<std::vector<std::string>, std::string> parse(
    const std::vector<std::string>& words, const po::options_description& described) {
  std::vector<std::string> others;
  po::options_description all;
  all.add(described).add_options()("positional", po::value(&others));
  po::positional_options_description places;
  places.add("positional", -1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(all).positional(places).style(kStyle).run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    return tl::unexpected(unknown_option(error.get_option_name(), described));
  } catch (const po::error& error) {
    return tl::unexpected(std::string(error.what()));
  }
  return others;
}

}  // namespace novaplane::cli
