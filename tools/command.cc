#include "tools/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/cli/nearest.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr Command kCommands[] = {
    {"check", "FILE", "read and validate a document",
     "Needs no privileges. Every mistake is told as file:line:column: sentence.", 1, 1, check},
    {"plan", "FILE", "what would change on this host, and why; changes nothing",
     "Exit status 0: nothing to change, 2: changes are pending.", 1, 1, plan},
    {"up", "FILE", "make it so, verify, and tell what changed",
     "Beside a running novaplaned with the same document, asks it for a pass.\n"
     "--confirm TIME: unless `novaplane confirm` follows in time, what was confirmed last comes "
     "back.",
     1, 1, up},
    {"confirm", "", "keep the document that `up --confirm` brought into force",
     "Says what it keeps, and how much time was left.", 0, 0, confirm},
    {"down", "", "remove everything that is novaplane's on this host",
     "What others made stays; values that were found are given back.", 0, 0, down},
    {"show", "[networks|ports|floating-ips|port-forwards|uplinks|gateways|security]",
     "what is, read from the kernel",
     "Needs no document. Beside a running novaplaned also how uplinks and gateways fare.", 0, 1,
     show},
    {"uplink", "drain|undrain NAME", "take an uplink out of use before maintenance, or back",
     "Asks the running novaplaned. New flows take another uplink at once; those that it carries\n"
     "stay until they end. Kept until undrain, also when the daemon starts again.",
     2, 2, uplink},
};

std::string usage_of(const Command& command) {
  return fmt::format("novaplane {}{}{}", command.name, command.arguments.empty() ? "" : " ",
                     command.arguments);
}

std::vector<std::string> names() {
  std::vector<std::string> names{"help"};
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

const Command* find(std::string_view name) {
  const auto it = std::find_if(std::begin(kCommands), std::end(kCommands),
                               [&](const Command& command) { return command.name == name; });
  return it != std::end(kCommands) ? it : nullptr;
}

int misused(const std::string& sentence) {
  complain(sentence);
  return kUsage;
}

int unknown(const std::string& name) {
  return misused(fmt::format("unknown command '{}'{} (novaplane help lists them)", name,
                             cli::did_you_mean(name, names())));
}

/// The summary in its column; on the next line where the usage reaches into it.
std::string entry(const std::string& usage, std::string_view summary) {
  constexpr std::size_t kColumn = 54;
  const bool fits = usage.size() < kColumn;
  return fmt::format("  {:<{}}{}{}\n", usage, kColumn, fits ? "" : fmt::format("\n{:56}", ""),
                     summary);
}

int help() {
  std::string text = "Makes this host the gateway of its virtual machines.\n\nUsage:\n";
  for (const Command& command : kCommands) {
    text += entry(usage_of(command), command.summary);
  }
  text += entry("novaplane help COMMAND", "more about one of them") + "\n" + options_help();
  print(text + "\nExit status: 0 done, 1 failed, 2 changes pending (plan), 64 wrong usage.\n");
  return kDone;
}

int help(const std::string& name) {
  if (name.empty()) return help();
  const Command* command = find(name);
  if (!command) return unknown(name);
  print(fmt::format("Usage: {} [options]\n\n{}: {}.\n{}\n\n{}", usage_of(*command), command->name,
                    command->summary, command->details, options_help()));
  return kDone;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run(const Options& options) {
  if (options.version) {
    print("novaplane " NOVAPLANE_VERSION "\n");
    return kDone;
  }
  if (options.command == "help") {
    return help(options.arguments.empty() ? "" : options.arguments.front());
  }
  if (options.help) return help(options.command);
  if (options.command.empty()) return misused("no command given: novaplane help lists them");
  const Command* command = find(options.command);
  if (!command) return unknown(options.command);
  if (!options.confirm.empty() && command->name != "up") {
    return misused(fmt::format("--confirm is an option of up, not of {}", command->name));
  }
  const std::size_t given = options.arguments.size();
  if (given < command->least) {
    return misused(fmt::format("{} needs {}: {}", command->name,
                               command->least == 1 ? "a file" : "more words", usage_of(*command)));
  }
  if (given > command->most) {
    return misused(fmt::format("{} does not take '{}': {}", command->name,
                               options.arguments[command->most], usage_of(*command)));
  }
  return command->run(options);
}

}  // namespace novaplane::tools
