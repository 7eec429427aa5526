#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dataplane/cli/nearest.h"
#include "tools/cloud/api.h"
#include "tools/cloud/edits.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/terminal.h"

/// `floating`: what people do with floating IPs.
namespace novaplane::tools {
namespace {

Target floating_ip(const std::string& address) { return {*kind_called("floating_ips"), address}; }

/// Prints the address alone: `address=$(novaplane floating allocate)`.
int allocate(const Options& options) {
  Json body = Json::object();
  if (!options.pool.empty()) body["pool"] = options.pool;
  if (!options.port.empty()) body["port"] = options.port;
  const auto response = ask_api(options, with_json("POST", "/v1/floating_ips", body));
  if (!response) return tell(response.error());
  const std::string address = name_in(*response);
  if (!options.json) {
    print(address + "\n");
    return kDone;
  }
  const auto object = json_in(response->body);
  if (!object) return tell(object.error());
  print(to_text({{"floating_ips", {{address, *object}}}}));
  return kDone;
}

struct Act {
  std::string_view name, arguments;
  std::size_t words;  ///< after its name
  int (*run)(const Options&);
};

const std::string& word(const Options& options, std::size_t index) {
  return options.arguments[index];
}

constexpr Act kActs[] = {
    {"allocate", "[--pool POOL] [--port PORT]", 0, allocate},
    {"associate", "ADDRESS PORT", 2,
     [](const Options& options) {
       return patch_object(options, floating_ip(word(options, 1)), {{"port", word(options, 2)}});
     }},
    {"disassociate", "ADDRESS", 1,
     [](const Options& options) {
       return patch_object(options, floating_ip(word(options, 1)), {{"port", nullptr}});
     }},
    {"release", "ADDRESS", 1,
     [](const Options& options) { return delete_object(options, floating_ip(word(options, 1))); }},
};

int unknown_act(const std::string& name) {
  std::vector<std::string> names;
  for (const Act& act : kActs) names.emplace_back(act.name);
  return misused(fmt::format("floating knows {}, not '{}'{}", fmt::join(names, ", "), name,
                             cli::did_you_mean(name, names)));
}

}  // namespace

int floating(const Options& options) {
  const std::string& name = options.arguments.front();
  const auto* act = std::ranges::find(kActs, name, &Act::name);
  if (act == std::end(kActs)) return unknown_act(name);
  const bool is_allocation = act->words == 0;
  if (!is_allocation && !(options.pool.empty() && options.port.empty())) {
    return misused(
        fmt::format("--pool and --port are options of floating allocate, not of {}", name));
  }
  if (options.arguments.size() != act->words + 1) {
    return misused(fmt::format("say novaplane floating {} {}", name, act->arguments));
  }
  return act->run(options);
}

}  // namespace novaplane::tools
