#include "tools/options.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "dataplane/cli/parse.h"
#include "tools/server_address.h"

namespace novaplane::tools {
namespace {

namespace po = boost::program_options;

constexpr unsigned kWidth = 100;

po::options_description general(Options& options) {
  po::options_description description("Options", kWidth);
  description.add_options()  //
      ("host", po::value(&options.host)->value_name("NAME"),
       "the host of the document that this one is (default: its host name)")  //
      ("run-dir", po::value(&options.run_dir)->value_name("DIR"),
       "where dnsmasq and what was found are kept (default: /run/novaplane)")  //
      ("server", po::value(&options.server)->value_name("URL"),
       "asks the novaplaned there, as https://compute1:8443, not that of this host")  //
      ("cacert", po::value(&options.cacert)->value_name("FILE"),
       "authorities of its certificate (default: those of this machine)")  //
      ("cert", po::value(&options.cert)->value_name("FILE"),
       "the certificate to be shown to it")                                                //
      ("key", po::value(&options.key)->value_name("FILE"), "the key of that certificate")  //
      ("json", po::bool_switch(&options.json), "JSON instead of text")                     //
      ("verbose,v", po::bool_switch(&options.verbose), "every step, not a summary")        //
      ("help,h", po::bool_switch(&options.help), "this text")                              //
      ("version", po::bool_switch(&options.version), "the version");
  return description;
}

po::options_description special(Options& options) {
  po::options_description description("Options of some commands", kWidth);
  description.add_options()  //
      ("confirm", po::value(&options.confirm)->value_name("TIME"),
       "bring back what was before, unless confirmed within 30s, 5m or 1h")  //
      ("output,o", po::value(&options.output)->value_name("WHAT"),
       "get: table, json, yaml or name; hosts: table or json; export: the file that is written")  //
      ("file,f", po::value(&options.file)->value_name("FILE"),
       "a document, or a part of one; - is standard input")                                       //
      ("prune", po::bool_switch(&options.prune), "remove what the document does not have")        //
      ("dry-run", po::bool_switch(&options.dry_run), "say what would change; change nothing")     //
      ("yes,y", po::bool_switch(&options.yes), "do it without a question")                        //
      ("pool", po::value(&options.pool)->value_name("NAME"), "where the address comes from")      //
      ("port", po::value(&options.port)->value_name("NAME"), "the port that the address is for")  //
      ("limit,n", po::value(&options.limit)->value_name("NUMBER"), "how many (default: 20)")      //
      ("revision", po::value(&options.revision)->value_name("NUMBER"),
       "watch: what came after it; wait: until kernels have it; set, delete: only while the "
       "object is as that revision wrote it")                                             //
      ("wait", po::bool_switch(&options.wait), "until the VM runs on its new host")       //
      ("cancel", po::bool_switch(&options.cancel), "the port stays where it is")          //
      ("now", po::bool_switch(&options.now), "the VM is there already: prepare nothing")  //
      ("timeout", po::value(&options.timeout)->value_name("TIME"),
       "give up after 30s, 5m or 1h (default: 1m)");
  return description;
}

/// What --server and others say, where they are not given.
void take_environment(Options& options) {
  constexpr std::pair<const char*, std::string Options::*> kVariables[] = {
      {"NOVAPLANE_SERVER", &Options::server},
      {"NOVAPLANE_CACERT", &Options::cacert},
      {"NOVAPLANE_CERT", &Options::cert},
      {"NOVAPLANE_KEY", &Options::key}};
  for (const auto& [variable, member] : kVariables) {
    if (const char* value = std::getenv(variable)) options.*member = value;
  }
}

std::string mistake_in(const Options& options) {
  if (options.cert.empty() != options.key.empty()) return "--cert and --key go together";
  if (options.server.empty() || ServerAddress::parse(options.server)) return {};
  return fmt::format("--server {}: say https://HOST:PORT", options.server);
}

}  // namespace

tl::expected<Options, std::string> parse(const std::vector<std::string>& words) {
  Options options;
  options.words = words;
  take_environment(options);
  po::options_description all("Options", kWidth);
  all.add(general(options)).add(special(options));
  const auto positional = cli::parse(words, all);
  if (!positional) return tl::unexpected(positional.error());
  if (auto mistake = mistake_in(options); !mistake.empty()) return tl::unexpected(mistake);
  if (positional->empty()) return options;
  options.command = positional->front();
  options.arguments.assign(positional->begin() + 1, positional->end());
  return options;
}

std::vector<std::string> special_options(const Options& options) {
  std::vector<std::string> names;
  const auto add = [&names](const char* name, bool given) {
    if (given) names.emplace_back(name);
  };
  add("confirm", !options.confirm.empty());
  add("output", !options.output.empty());
  add("file", !options.file.empty());
  add("pool", !options.pool.empty());
  add("port", !options.port.empty());
  add("limit", !options.limit.empty());
  add("revision", !options.revision.empty());
  add("timeout", !options.timeout.empty());
  add("prune", options.prune);
  add("dry-run", options.dry_run);
  add("wait", options.wait);
  add("cancel", options.cancel);
  add("now", options.now);
  add("yes", options.yes);
  return names;
}

std::string options_help(std::string_view named) {
  Options options;
  po::options_description shown("Options", kWidth);
  std::istringstream names{std::string(named)};
  const auto always = general(options), some = special(options);
  for (std::string name; names >> name;) {
    for (const auto& option : some.options()) {
      if (option->long_name() == name) shown.add(option);
    }
  }
  for (const auto& option : always.options()) shown.add(option);
  std::ostringstream text;
  text << shown;
  return text.str();
}

}  // namespace novaplane::tools
