#include "tools/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/cli/nearest.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr std::size_t kMany = 10'000;  ///< arguments

constexpr Command kCommands[] = {
    {"check", "FILE", "read and validate a document",
     "Needs no privileges. Every mistake is told as file:line:column: sentence.", 1, 1, check},
    {"plan",
     "FILE",
     "what would change on this host, and why; changes nothing",
     "Exit status 0: nothing to change, 2: changes are pending.",
     1,
     1,
     plan,
     {},
     true},
    {"up", "FILE", "make it so, verify, and tell what changed",
     "Beside a running novaplaned with the same document, asks it for a pass.\n"
     "--confirm TIME: unless `novaplane confirm` follows in time, what was confirmed last comes "
     "back.",
     1, 1, up, "confirm", true},
    {"confirm",
     "",
     "keep the document that `up --confirm` brought into force",
     "Says what it keeps, and how much time was left.",
     0,
     0,
     confirm,
     {},
     true},
    {"down",
     "",
     "remove everything that is novaplane's on this host",
     "What others made stays; values that were found are given back.",
     0,
     0,
     down,
     {},
     true},
    {"show", "[networks|ports|floating-ips|port-forwards|uplinks|gateways|security]",
     "what is, read from the kernel",
     "Needs no document. Beside a running novaplaned also how uplinks and gateways fare.", 0, 1,
     show},
    {"uplink", "drain|undrain NAME", "take an uplink out of use before maintenance, or back",
     "Asks the running novaplaned. New flows take another uplink at once; those that it carries\n"
     "stay until they end. Kept until undrain, also when the daemon starts again.",
     2, 2, uplink},
    {"get", "KIND [NAME...|KEY=VALUE...]", "objects of the cloud in the store",
     "Kinds: host, network, port, floating-ip, port-forward, security-group, pool, ranges; also "
     "in\n"
     "the plural. KEY=VALUE: those alone that have it, as network=blue. What -o yaml and -o json\n"
     "print is a part of a document: `apply` takes it. -o name: ports/web1, which set and delete\n"
     "take for KIND NAME.",
     1, kMany, get, "output"},
    {"create", "KIND NAME [KEY=VALUE...]", "a new object",
     "A port without address and mac gets free ones. dhcp.lease=1h: a key in a map; dns=A,B: a\n"
     "list; any value may be JSON or YAML in brackets.",
     1, kMany, create},
    {"set", "KIND NAME KEY=VALUE...", "changes keys of an object",
     "KEY= removes the key. Values are written as for `create`.", 2, kMany, set, "revision"},
    {"delete", "KIND NAME...", "removes objects", "Also KIND/NAME, as `get -o name` prints.", 1,
     kMany, delete_objects, "revision"},
    {"apply", "-f FILE", "creates and changes what a document has",
     "All of it or nothing. What the document does not have stays, but with --prune.", 0, 0,
     apply_document, "file prune dry-run"},
    {"diff", "-f FILE", "what `apply` would change; changes nothing",
     "Exit status 0: nothing to change, 2: changes are pending.", 0, 0, diff, "file prune"},
    {"export", "", "the whole cloud as a document", "`apply` of what it prints changes nothing.", 0,
     0, export_document, "output"},
    {"floating", "allocate|associate|disassociate|release ...", "floating IPs, step by step",
     "allocate [--pool POOL] [--port PORT]: prints the address.\n"
     "associate ADDRESS PORT, disassociate ADDRESS, release ADDRESS.",
     1, 3, floating, "pool port"},
    {"port", "move NAME HOST | move NAME --cancel", "a port's VM migrates to another host",
     "HOST gets ready for the VM; the port moves when the VM runs there, or its link here is "
     "gone.\n"
     "--wait: until then. --cancel: it stays. --now: the same as `set port NAME host=HOST`.",
     2, 3, move_port, "wait cancel now timeout"},
    {"history", "", "what was changed last, when and by whom", "The newest change is the last.", 0,
     0, history, "limit"},
    {"watch", "", "changes as they come", "Until it is stopped (Ctrl-C). --json: a line for each.",
     0, 0, watch, "revision"},
    {"hosts", "", "who is alive, with which revision in its kernel, and what is wrong there",
     "BEHIND: changes that are not in its kernel yet. A host is alive if its daemon ran within "
     "the\n"
     "last 15 seconds; nothing follows from that.",
     0, 0, hosts, "output"},
    {"store", "status|init|check|accept|backup|restore [FILE]", "the store that novaplaned follows",
     "init: begin a cloud in a store that has none.\n"
     "check: how the store is set up, and whether this host's copy is what it has.\n"
     "accept: follow the store's cloud although it is not the one that was followed.\n"
     "backup FILE: a copy of the store in a file, taken while it is in use.\n"
     "restore FILE: what backup wrote takes the place of the store's cloud, after a question.",
     1, 2, store, "yes dry-run"},
    {"wait", "", "until all hosts that are alive have the change in their kernels",
     "Without --revision: the store's present one. --host: that host alone.", 0, 0,
     wait_for_revision, "revision timeout"},
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

bool takes(const Command& command, const std::string& option) {
  return fmt::format(" {} ", command.options).find(" " + option + " ") != std::string::npos;
}

/// "--prune is an option of apply and diff, not of get"; empty: none is.
std::string misplaced_option(const Command& command, const Options& options) {
  for (const std::string& option : special_options(options)) {
    if (takes(command, option)) continue;
    std::vector<std::string_view> takers;
    for (const Command& other : kCommands) {
      if (takes(other, option)) takers.push_back(other.name);
    }
    return fmt::format("--{} is an option of {}, not of {}", option, fmt::join(takers, ", "),
                       command.name);
  }
  return {};
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
  text += entry("novaplane help COMMAND", "more about one of them, and its own options") + "\n" +
          options_help();
  print(text +
        "\nExit status: 0 done, 1 failed, 2 changes pending (plan, diff), 64 wrong usage.\n");
  return kDone;
}

int help(const std::string& name) {
  if (name.empty()) return help();
  const Command* command = find(name);
  if (!command) return unknown(name);
  print(fmt::format("Usage: {} [options]\n\n{}: {}.\n{}\n\n{}", usage_of(*command), command->name,
                    command->summary, command->details, options_help(command->options)));
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
  if (const std::string sentence = misplaced_option(*command, options); !sentence.empty()) {
    return misused(sentence);
  }
  if (command->is_of_host && !options.server.empty()) {
    return misused(
        fmt::format("{} is about the network of this host, not of {}: run it there, "
                    "without --server (NOVAPLANE_SERVER)",
                    command->name, options.server));
  }
  const std::size_t given = options.arguments.size();
  if (given < command->least) {
    return misused(fmt::format("{} needs {}: {}", command->name,
                               command->arguments == "FILE" ? "a file" : "more words",
                               usage_of(*command)));
  }
  if (given > command->most) {
    return misused(fmt::format("{} does not take '{}': {}", command->name,
                               options.arguments[command->most], usage_of(*command)));
  }
  return command->run(options);
}

}  // namespace novaplane::tools
