#include "dhcp/instance.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "dataplane/base/files.h"
#include "dataplane/base/hash.h"
#include "dataplane/engine/service_driver.h"
#include "dhcp/checksums.h"
#include "dhcp/port_holders.h"

namespace novaplane::dhcp {
namespace {

constexpr std::string_view kConfOption = "--conf-file=";

/// The value of the first line "key=value", or empty.
std::string_view value_of(std::string_view text, std::string_view key) {
  const std::string line = fmt::format("\n{}=", key);
  const auto at = text.find(line);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + line.size());
  return text.substr(0, text.find('\n'));
}

/// dnsmasq takes its own while it is still root, as we are.
bool has_inotify_left() { return static_cast<bool>(Fd(::inotify_init1(IN_CLOEXEC))); }

/// dnsmasq ends where the directory of the file is missing (src/inotify.c: "directory for
/// resolv-file is missing, cannot poll"), as that of a link to systemd-resolved's file is when that
/// does not run. It goes through links as this does, but would go through a circle for ever.
bool can_be_watched(std::filesystem::path file) {
  constexpr int kMostLinks = 40;  // MAXSYMLINKS
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(file, error); ++links) {
    if (links == kMostLinks) return false;
    file = file.parent_path() / std::filesystem::read_symlink(file, error);
  }
  return std::filesystem::is_directory(file.parent_path(), error);
}

std::string root_of(const std::string& folder) { return folder.substr(0, folder.rfind('/')); }

}  // namespace

Instance::Instance(std::string folder, std::string program)
    : folder_(std::move(folder)),
      program_(std::move(program)),
      unsettled_(folder_ + "/unsettled"),
      refused_(folder_ + "/refused.conf"),
      hosts_(folder_ + "/hosts", folder_ + "/.staged"),
      names_(folder_ + "/names", folder_ + "/.staged") {}

bool Instance::runs() const {
  return process() != nullptr && !process()->ended_before(std::chrono::steady_clock::now());
}

/// Without a file to look at there are no name servers until there is one, and it starts again.
std::vector<std::string> Instance::arguments(const std::string& configuration,
                                             const std::string& text,
                                             const Program& program) const {
  const bool looks = text.find("\nno-resolv\n") == text.npos && value_of(text, "port") != "0";
  const bool finds = !looks || can_be_watched(program.resolv_file);
  std::vector<std::string> words{program.path,
                                 fmt::format("{}{}", kConfOption, configuration),
                                 fmt::format("--pid-file={}/pid", folder_),
                                 fmt::format("--dhcp-hostsdir={}/hosts", folder_),
                                 fmt::format("--hostsdir={}/names", folder_),
                                 fmt::format("--user={}", program.user)};
  if (!finds) {
    words.emplace_back("--no-resolv");
  } else if (program.resolv_file != Program().resolv_file) {
    words.push_back("--resolv-file=" + program.resolv_file);
  }
  return words;
}

std::string Instance::configuration_path(const engine::Service& service, unsigned link) const {
  return fmt::format("{}/dnsmasq-{:016x}-{}.conf", folder_, digest(service.config), link);
}

std::optional<std::string> Instance::configuration() const {
  const auto path = running_.front().arguments[1].substr(kConfOption.size());
  auto text = read_whole(path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

engine::Service Instance::service(const Program& program) const {
  const bool settled = ::access(unsettled_.c_str(), F_OK) != 0;
  if (running_.size() != 1 || !settled || checksums_of(*process()) == Checksums::unfinished) {
    return {};
  }
  auto config = configuration();
  if (!config) return {};
  engine::Service seen{std::move(*config), {}};
  seen.device = value_of(seen.config, "interface");
  const std::string path = configuration_path(seen, ::if_nametoindex(seen.device.c_str()));
  const auto& found = running_.front().arguments;
  const auto expected = arguments(path, seen.config, program);
  if (found[1] != expected[1]) {
    seen.device.clear();
  } else if (!std::equal(found.begin() + 1, found.end(), expected.begin() + 1, expected.end())) {
    seen.config.clear();  // started by another version of ours
  }
  return seen;
}

std::optional<engine::Service> Instance::running_service() const {
  auto config = configuration();
  if (!config) return std::nullopt;
  engine::Service service{std::move(*config), {}};
  service.device = value_of(service.config, "interface");
  return service;
}

Result<void> Instance::make_folder() {
  if (has_folder_) return {};
  for (const char* part : {"/hosts", "/names"}) {
    if (auto made = make_directories(folder_ + part); !made) return made;
  }
  has_folder_ = true;
  return {};
}

Result<void> Instance::remove_configurations() const {
  const auto files = list_directory(folder_);
  if (!files) return tl::unexpected(files.error());
  for (const std::string& file : *files) {
    if (!file.ends_with(".conf") && file != "pid" && file != "unsettled") continue;
    if (auto removed = remove_all(folder_ + "/" + file); !removed) return removed;
  }
  return {};
}

Result<Child> Instance::launch(const engine::Service& service, const Program& program) {
  if (auto removed = remove_configurations(); !removed) return tl::unexpected(removed.error());
  const unsigned link = ::if_nametoindex(service.device.c_str());
  if (link == 0) return failure(fmt::format("start dnsmasq on {}", service.device), errno);
  const std::string path = configuration_path(service, link);
  if (auto written = write_whole(path, service.config); !written) {
    return tl::unexpected(written.error());
  }
  server_ = IpAddress::parse(value_of(service.config, "listen-address")).value_or(IpAddress());
  return spawn(arguments(path, service.config, program));
}

Result<Child> Instance::try_out(const engine::Service& service, const Program& program) {
  if (auto written = write_whole(refused_, service.config); !written) {
    return tl::unexpected(written.error());
  }
  auto question = arguments(refused_, service.config, program);
  question.emplace_back("--test");
  return spawn(question);
}

Result<void> Instance::understood(Child child, Deadline deadline) {
  const auto exit = child.wait(deadline);
  if (exit && exit->status == 0) return remove_all(refused_);
  const Error why = exit ? Error{"configure dnsmasq", 0,
                                 explain(*exit) + "; it goes on with the configuration before"}
                         : exit.error();
  note_refusal({read_whole(refused_).value_or(""), {}}, why);
  return tl::unexpected(why);
}

Result<void> Instance::make_sure_of_room(const engine::Service& service) const {
  const std::string draft = folder_ + "/.staged";
  const auto written = write_whole(draft, service.config);
  return written ? remove_all(draft) : written;
}

void Instance::note_refusal(const engine::Service& service, const Error& why) const {
  (void)write_whole(refused_, engine::with_refusal(service.config, why.words));
}

Result<void> Instance::settle(Child child, Deadline deadline) {
  const auto exit = child.wait(deadline);
  if (exit && exit->status == 0) return adopt_started();
  for (auto& [folder, running] : find_running(root_of(folder_), program_)) {
    if (folder == folder_) (void)running.process.signal(SIGKILL);
  }
  (void)remove_configurations();
  if (!exit) return tl::unexpected(exit.error());
  return failure("start dnsmasq", explain(*exit));
}

/// The first process of dnsmasq ends when the one that stays has bound its sockets and written its
/// number (dnsmasq.c, "finished start-up"); the pid file only tells where to look.
Result<void> Instance::adopt_started() {
  const auto text = read_whole(folder_ + "/pid");
  if (!text) return tl::unexpected(text.error());
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  auto running = identify(pid, program_);
  if (!running || folder_of(running->arguments) != folder_) {
    return failure("start dnsmasq", "it ended right after its start");
  }
  (void)leave_out_checksums(running->process);  // where we may not, most clients are served well
  running_.clear();
  running_.push_back(std::move(*running));
  return {};
}

std::string Instance::explain(const Exit& exit) const {
  constexpr int kNetworkProblem = 2, kOtherProblem = 5;  // dnsmasq.8, EXIT CODES
  std::string words = exit.words.empty() ? fmt::format("exit status {}", exit.status) : exit.words;
  if (exit.status == kOtherProblem && !has_inotify_left()) {
    return words + "; raise fs.inotify.max_user_instances: each dnsmasq takes one";
  }
  if (exit.status != kNetworkProblem) return words;
  const auto is_ours = [&](pid_t pid) {
    if (root_of(folder_of(command_line(pid))) != root_of(folder_)) return false;
    return identify(pid, program_).has_value();
  };
  const std::string holders =
      port_holders(server_, {{"udp", 53}, {"tcp", 53}, {"udp", 67}, {"udp", 547}}, is_ours);
  return holders.empty() ? words : fmt::format("{}; {}", words, holders);
}

void Instance::terminate() {
  for (const Running& running : running_) (void)running.process.signal(SIGTERM);
}

Result<void> Instance::wait_for_end(Deadline deadline) {
  for (const Running& running : running_) {
    if (auto ended = await_end(running.process, "dnsmasq", deadline); !ended) return ended;
  }
  running_.clear();
  return {};
}

Result<void> Instance::mark_unsettled() const { return write_whole(unsettled_, ""); }

Result<void> Instance::reload(const std::vector<Lease>& leases) {
  const auto config = configuration();
  if (!config) return failure("reload dnsmasq", "its configuration is gone");
  const auto server = IpAddress::parse(value_of(*config, "listen-address"));
  if (!leases.empty() && server) {
    const std::string device(value_of(*config, "interface"));
    if (auto released = release(device, *server, leases); !released) return released;
  }
  if (auto told = process()->signal(SIGHUP); !told) return told;
  return remove_all(unsettled_);
}

Result<void> Instance::tidy() {
  if (runs()) return {};
  const auto hosts = hosts_.read(), names = names_.read();
  if (hosts && hosts->empty() && names && names->empty()) return remove_all(folder_);
  return remove_configurations();
}

}  // namespace novaplane::dhcp
