#include "dhcp/dnsmasq_driver.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "dataplane/base/files.h"
#include "dhcp/entries.h"

namespace novaplane::dhcp {
namespace {

using engine::ServiceKey;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTime{10}, kStopTime{3};
constexpr std::size_t kStartsAtOnce = 64;  // each holds a few descriptors until it serves

/// Whether others may enter every directory on the way to `path`.
bool is_open_to_all(const std::string& path) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    struct stat status {};
    if (::stat(path.substr(0, slash).c_str(), &status) != 0) return true;  // will be made by us
    if ((status.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

/// The user that dnsmasq becomes. It reads the hosts files as this user: below a directory that is
/// closed to it, it has to stay root.
std::string user_for(const std::string& root) {
  if (!is_open_to_all(root)) return "root";
  for (const char* user : kUsers) {
    if (::getpwnam(user) != nullptr) return user;
  }
  return "root";
}

const ServiceKey& service_of(const engine::Step& step) {
  const auto* entry = std::get_if<engine::EntryChange>(&step.operation);
  return entry ? entry->key.service : std::get<engine::ServiceChange>(step.operation).key;
}

/// The network's name becomes a folder's; one above ours must not be taken for it.
Result<void> check(const ServiceKey& key) {
  const std::string_view name =
      std::string_view(key).substr(std::min(kServicePrefix.size(), key.size()));
  if (key.starts_with(kServicePrefix) && !name.empty() && name != "." && name != ".." &&
      name.find('/') == std::string_view::npos) {
    return {};
  }
  return failure("serve " + key, EINVAL, "not the name of a network");
}

/// What a line of a hosts file may have leased: "fa:16:3e:00:00:01,...,10.0.0.11,web1".
std::optional<Lease> lease_of(std::string_view line) {
  const auto mac = Mac::parse(line.substr(0, line.find(',')));
  while (mac && !line.empty()) {
    const std::string_view field = line.substr(0, line.find(','));
    if (const auto address = IpAddress::parse(field)) return Lease{*mac, *address};
    line.remove_prefix(std::min(field.size() + 1, line.size()));
  }
  return std::nullopt;
}

/// The entries of one kind with their new lines; a removed one has an empty line.
Lines lines_of(const std::vector<const engine::EntryChange*>& changes, std::string_view kind) {
  Lines lines;
  for (const engine::EntryChange* change : changes) {
    if (!change->key.name.starts_with(kind)) continue;
    lines[change->key.name.substr(kind.size())] = change->after ? change->after->line : "";
  }
  return lines;
}

bool forgets_hosts(const std::vector<const engine::EntryChange*>& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const engine::EntryChange* change) {
    return change->before && change->key.name.starts_with(kHostPrefix);
  });
}

std::vector<Lease> leases_given_up(const std::vector<const engine::EntryChange*>& changes) {
  std::vector<Lease> leases;
  for (const engine::EntryChange* change : changes) {
    if (!change->before || !change->key.name.starts_with(kHostPrefix)) continue;
    const auto before = lease_of(change->before->line);
    const auto after = change->after ? lease_of(change->after->line) : std::nullopt;
    if (before && before != after) leases.push_back(*before);
  }
  return leases;
}

/// Names that stand in a file already, and those that do not.
std::pair<Lines, Lines> known_and_fresh_names(
    const std::vector<const engine::EntryChange*>& changes) {
  std::vector<const engine::EntryChange*> known, fresh;
  for (const engine::EntryChange* change : changes) {
    (change->before ? known : fresh).push_back(change);
  }
  return {lines_of(known, kNamePrefix), lines_of(fresh, kNamePrefix)};
}

Result<Lines> merged(const LineFiles& files, const Lines& changes) {
  auto lines = files.read();
  if (!lines) return lines;
  for (const auto& [name, line] : changes) {
    if (line.empty()) {
      lines->erase(name);
    } else {
      (*lines)[name] = line;
    }
  }
  return lines;
}

Result<void> rewrite(const LineFiles& files, const Lines& changes) {
  const auto lines = merged(files, changes);
  if (!lines) return tl::unexpected(lines.error());
  return files.replace(*lines);
}

using Entries = engine::RowList<engine::ServiceEntryKey, engine::ServiceEntry>;

void append(const Lines& lines, const ServiceKey& service, std::string_view kind, Entries& out) {
  for (const auto& [name, line] : lines) {
    out.emplace_back(engine::ServiceEntryKey{service, fmt::format("{}{}", kind, name)},
                     engine::ServiceEntry{line});
  }
}

}  // namespace

/// What one pass asks of one dnsmasq.
struct DnsmasqDriver::Work {
  Instance* instance = nullptr;
  const engine::ServiceChange* service = nullptr;
  std::optional<engine::Service> again = {};   ///< it is started afresh, as it ran
  std::optional<engine::Service> before = {};  ///< what it serves with until it is replaced
  bool is_refused = false;                     ///< so it goes on as before

  bool stops() const { return (service != nullptr && !is_refused) || again; }
  const engine::Service* starts() const {
    if (again) return &*again;
    return service != nullptr && !is_refused && service->after ? &*service->after : nullptr;
  }
  std::vector<const engine::EntryChange*> entries;
  Result<void> served = {}, told = {};
};

DnsmasqDriver::DnsmasqDriver(const std::string& run_dir, std::string program,
                             const std::string& resolv_file)
    : root_(std::filesystem::weakly_canonical(std::filesystem::absolute(run_dir)) / "dhcp"),
      program_name_(std::move(program)) {
  if (!resolv_file.empty()) program_.resolv_file = resolv_file;
}

Result<engine::SeenServices> DnsmasqDriver::observe() {
  const auto folders = list_directory(root_);
  if (!folders) return tl::unexpected(folders.error());
  program_.user = user_for(root_);
  instances_.clear();
  for (const std::string& name : *folders) instance(fmt::format("{}{}", kServicePrefix, name));
  for (auto& [folder, running] : find_running(root_, program_name_)) {
    const std::string name = folder.substr(root_.size() + 1);
    instance(fmt::format("{}{}", kServicePrefix, name)).adopt(std::move(running));
  }
  observed_ = true;

  engine::SeenServices seen;
  for (const auto& [key, instance] : instances_) {
    if (instance.runs()) seen.services.emplace_back(key, instance.service(program_));
    const auto hosts = instance.hosts().read(), names = instance.names().read();
    if (!hosts) return tl::unexpected(hosts.error());
    if (!names) return tl::unexpected(names.error());
    append(*hosts, key, kHostPrefix, seen.entries);
    append(*names, key, kNamePrefix, seen.entries);
  }
  return seen;
}

std::vector<Result<void>> DnsmasqDriver::apply(std::span<const engine::Step* const> steps) {
  if (!observed_) {
    if (const auto seen = observe(); !seen) {
      return {steps.size(), tl::unexpected(seen.error())};
    }
  }
  Works works = sort_out(steps);
  find_stubborn(works);
  try_replacements(works);
  stop(works);
  for (auto& [key, work] : works) {
    if (work.told) work.told = tell(work);
  }
  start(works);
  tidy(works);

  std::vector<Result<void>> results;
  for (const engine::Step* step : steps) {
    const Work& work = works.find(service_of(*step))->second;
    const bool is_entry = std::holds_alternative<engine::EntryChange>(step->operation);
    const bool is_told = !work.told || !work.again;
    results.push_back(is_entry && is_told ? work.told : work.served);
  }
  return results;
}

std::vector<std::pair<ServiceKey, int>> DnsmasqDriver::watch() const {
  std::vector<std::pair<ServiceKey, int>> descriptors;
  for (const auto& [key, instance] : instances_) {
    if (const Process* process = instance.process()) {
      descriptors.emplace_back(key, process->descriptor());
    }
  }
  return descriptors;
}

Instance& DnsmasqDriver::instance(const ServiceKey& key) {
  const std::string folder = fmt::format("{}/{}", root_, key.substr(kServicePrefix.size()));
  return instances_.try_emplace(key, folder, program_name_).first->second;
}

DnsmasqDriver::Works DnsmasqDriver::sort_out(std::span<const engine::Step* const> steps) {
  Works works;
  for (const engine::Step* step : steps) {
    const ServiceKey& key = service_of(*step);
    Work& work = works[key];
    if (auto checked = check(key); !checked) {
      work.served = work.told = checked;
      continue;
    }
    work.instance = &instance(key);
    if (const auto* change = std::get_if<engine::ServiceChange>(&step->operation)) {
      work.service = change;
    } else {
      work.entries.push_back(&std::get<engine::EntryChange>(step->operation));
    }
  }
  return works;
}

/// A lease of DHCPv6 is released in the name of its client, which nobody but dnsmasq knows: there
/// it forgets by being started again. Clients keep their addresses, it leases them again.
void DnsmasqDriver::find_stubborn(Works& works) {
  for (auto& [key, work] : works) {
    const bool may_have_leased = work.instance != nullptr && key.ends_with(kIpv6Suffix);
    if (!may_have_leased || work.service != nullptr || !work.instance->runs()) continue;
    if (!forgets_hosts(work.entries)) continue;
    engine::Service running = work.instance->service(program_);
    if (running.config.empty() || running.device.empty()) continue;
    // What it is started from has to be written first: where that cannot be, it goes on serving.
    work.told = work.instance->make_sure_of_room(running);
    if (work.told) work.again = std::move(running);
  }
}

/// What dnsmasq does not understand never takes the place of what it serves with. Only there it is
/// asked: a first start fails with the same words, and costs one process instead of two.
void DnsmasqDriver::try_replacements(Works& works) {
  std::vector<Work*> replacing;
  for (auto& [key, work] : works) {
    if (work.service == nullptr || !work.starts() || !work.instance->runs()) continue;
    work.before = work.instance->running_service();
    if (work.before) replacing.push_back(&work);  // else it starts afresh in any case
  }
  for (std::size_t first = 0; first < replacing.size(); first += kStartsAtOnce) {
    const auto count = std::min(kStartsAtOnce, replacing.size() - first);
    try_together(std::span(replacing).subspan(first, count));
  }
}

void DnsmasqDriver::try_together(std::span<Work* const> works) {
  std::vector<std::pair<Work*, Child>> asked;
  const auto refuse = [](Work& work, const Error& error) {
    work.is_refused = true;
    work.served = tl::unexpected(error);
  };
  for (Work* work : works) {
    auto child =
        find_dnsmasq().and_then([&] { return work->instance->try_out(*work->starts(), program_); });
    if (child) asked.emplace_back(work, std::move(*child));
    if (!child) refuse(*work, child.error());
  }
  const Deadline deadline = Clock::now() + kStartTime;
  for (auto& [work, child] : asked) {
    const auto understood = work->instance->understood(std::move(child), deadline);
    if (!understood) refuse(*work, understood.error());
  }
}

void DnsmasqDriver::stop(Works& works) {
  for (auto& [key, work] : works) {
    if (work.stops()) work.instance->terminate();
  }
  const Deadline deadline = Clock::now() + kStopTime;
  for (auto& [key, work] : works) {
    if (work.stops()) work.served = work.instance->wait_for_end(deadline);
  }
}

/// Before the start of one that is to start: all that it is to know is there then, in one file.
Result<void> DnsmasqDriver::tell(Work& work) {
  if (work.instance == nullptr) return work.told;
  if (auto made = work.instance->make_folder(); !made) return made;
  const Instance& instance = *work.instance;
  const Lines hosts = lines_of(work.entries, kHostPrefix),
              names = lines_of(work.entries, kNamePrefix);
  const auto rewrite_all = [&]() -> Result<void> {
    if (auto rewritten = rewrite(instance.hosts(), hosts); !rewritten) return rewritten;
    return rewrite(instance.names(), names);
  };
  if (!instance.runs()) return rewrite_all();
  if (forgets_hosts(work.entries)) {
    return work.instance->forget(leases_given_up(work.entries), rewrite_all);
  }
  const auto [known, fresh] = known_and_fresh_names(work.entries);
  if (auto revised = instance.names().revise(known); !revised) return revised;
  if (auto added = instance.names().add(fresh); !added) return added;
  return instance.hosts().add(hosts);
}

void DnsmasqDriver::start(Works& works) {
  std::vector<Work*> waiting;
  for (auto& [key, work] : works) {
    if (!work.starts() || !work.served) continue;
    const bool can_start = work.told || work.again;  // again: with what it knew before
    if (can_start) waiting.push_back(&work);
    if (!can_start) work.served = work.told;
  }
  for (std::size_t first = 0; first < waiting.size(); first += kStartsAtOnce) {
    const auto count = std::min(kStartsAtOnce, waiting.size() - first);
    start_together(std::span(waiting).subspan(first, count));
  }
}

Result<void> DnsmasqDriver::find_dnsmasq() {
  auto path = find_program(program_name_);
  if (!path) return tl::unexpected(path.error());
  program_.path = std::move(*path);
  return {};
}

void DnsmasqDriver::start_together(std::span<Work* const> works) {
  std::vector<std::pair<Work*, Child>> starting;
  if (auto found = find_dnsmasq(); !found) {
    for (Work* work : works) work->served = found;
    return;
  }
  for (Work* work : works) {
    auto child = work->instance->launch(*work->starts(), program_);
    if (child) starting.emplace_back(work, std::move(*child));
    if (!child) work->served = tl::unexpected(child.error());
  }
  const Deadline deadline = Clock::now() + kStartTime;
  for (auto& [work, child] : starting) {
    work->served = work->instance->settle(std::move(child), deadline);
  }
  for (Work* work : works) {
    if (!work->served && work->before) bring_back(*work);
  }
}

/// The new one did not start (a port is held, say): the one before serves again.
void DnsmasqDriver::bring_back(Work& work) {
  auto child = work.instance->launch(*work.before, program_);
  const auto back = child ? work.instance->settle(std::move(*child), Clock::now() + kStartTime)
                          : tl::unexpected(child.error());
  if (!back) return;
  work.instance->note_refusal(*work.starts(), work.served.error());
  work.served.error().words += "; the configuration before serves again";
}

/// What does not run has no configuration, and no folder once it knows nothing.
void DnsmasqDriver::tidy(Works& works) {
  for (auto& [key, work] : works) {
    if (work.instance == nullptr || work.instance->runs()) continue;
    if (auto tidied = work.instance->tidy(); !tidied && work.served) work.served = tidied;
    instances_.erase(key);
  }
}

}  // namespace novaplane::dhcp
