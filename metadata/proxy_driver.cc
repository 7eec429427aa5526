#include "metadata/proxy_driver.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>

#include "dataplane/base/files.h"
#include "metadata/guests.h"
#include "metadata/metadata.h"
#include "metadata/settings.h"

namespace novaplane::metadata {
namespace {

constexpr const char* kProgram = "novaplane-metadata";
constexpr std::chrono::seconds kStartTime{20};

/// Whom the program becomes once it has read its secret.
std::vector<uid_t> users() {
  const passwd* user = ::getpwnam(kProxyUser);
  return user ? std::vector{user->pw_uid} : std::vector<uid_t>();
}

/// A comment that tells a file from what had its name before. Nothing where there is no secret.
std::string mark_of(const std::string& config) {
  const auto settings = settings_in(config);
  if (!settings || settings->secret_file.empty()) return {};
  struct stat found {};
  if (::stat(settings->secret_file.c_str(), &found) != 0) return "# no secret\n";
  return fmt::format("# secret {} {} {}.{}\n", found.st_ino, found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec);
}

const engine::ServiceChange* service_change(const engine::Step& step) {
  return std::get_if<engine::ServiceChange>(&step.operation);
}

}  // namespace

ProxyDriver::ProxyDriver(const std::string& run_dir)
    : folder_(std::filesystem::weakly_canonical(std::filesystem::absolute(run_dir)) / "metadata"),
      process_(kProgram, file("proxy.conf"), users()) {}

std::vector<std::string> ProxyDriver::arguments() const { return {"--config", file("proxy.conf")}; }

/// What runs, as a row; anything but what we would run is one that equals no wanted one.
engine::Service ProxyDriver::service() const {
  const auto text = read_whole(file("proxy.conf"));
  const bool is_settled = ::access(file("proxy.unsettled").c_str(), F_OK) != 0;
  if (!text || !is_settled || !process_.runs_with(arguments())) return {};
  const std::string mark = mark_of(*text);
  if (!text->starts_with(mark)) return {};
  return {text->substr(mark.size()), {}};
}

Result<engine::SeenServices> ProxyDriver::observe() {
  process_.look();
  engine::SeenServices seen;
  if (!process_.runs()) return seen;
  seen.services.emplace_back(kProxy, service());
  std::istringstream lines(read_whole(file("guests")).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const auto guest = guest_of(line);
    if (!guest) continue;
    seen.entries.emplace_back(engine::ServiceEntryKey{kProxy, "guest " + guest->port},
                              engine::ServiceEntry{line});
  }
  return seen;
}

/// The file of guests as these steps make it.
std::string ProxyDriver::told(std::span<const engine::Step* const> steps) const {
  std::map<std::string, std::string> lines;
  std::istringstream known(process_.runs() ? read_whole(file("guests")).value_or("") : "");
  for (std::string line; std::getline(known, line);) {
    if (const auto guest = guest_of(line)) lines["guest " + guest->port] = line;
  }
  for (const engine::Step* step : steps) {
    const auto* change = std::get_if<engine::EntryChange>(&step->operation);
    if (!change) continue;
    if (change->after) {
      lines[change->key.name] = change->after->line;
    } else {
      lines.erase(change->key.name);
    }
  }
  std::string text;
  for (const auto& [name, line] : lines) text += line + '\n';
  return text;
}

Result<void> ProxyDriver::tell(std::span<const engine::Step* const> steps) {
  if (auto marked = write_whole(file("proxy.unsettled"), ""); !marked) return marked;
  if (auto written = write_whole(file("guests"), told(steps)); !written) return written;
  if (!process_.runs()) return {};
  if (auto signalled = process_.process().signal(SIGHUP); !signalled) return signalled;
  return remove_all(file("proxy.unsettled"));
}

/// Runs the program until it says that it serves, or why it does not.
Result<void> ProxyDriver::call(std::vector<std::string> words) const {
  const auto program = find_program(kProgram);
  if (!program) return tl::unexpected(program.error());
  words.insert(words.begin(), *program);
  auto child = spawn(words);
  if (!child) return tl::unexpected(child.error());
  const auto exit = child->wait(std::chrono::steady_clock::now() + kStartTime);
  if (!exit) return tl::unexpected(exit.error());
  if (exit->status == 0) return {};
  return failure(fmt::format("start {}", kProgram),
                 exit->words.empty() ? fmt::format("exit status {}", exit->status) : exit->words);
}

/// What it refuses never takes the place of what it runs with, and is kept with its words.
Result<void> ProxyDriver::try_out(const std::string& text) const {
  const std::string draft = file("proxy.refused");
  if (auto written = write_whole(draft, text); !written) return written;
  auto understood = call({"--check", "--config", draft});
  if (understood) return remove_all(draft);
  (void)write_whole(draft, engine::with_refusal(text, understood.error().words));
  return understood;
}

Result<void> ProxyDriver::run(const std::string& config) {
  const std::string text = mark_of(config) + config;
  if (auto understood = try_out(text); !understood) return understood;
  if (auto ended = process_.end(); !ended) return ended;
  if (auto written = write_whole(file("proxy.conf"), text); !written) return written;
  if (auto started = call(arguments()); !started) return started;
  process_.look();
  return remove_all(file("proxy.unsettled"));
}

Result<void> ProxyDriver::stop() {
  if (auto ended = process_.end(); !ended) return ended;
  (void)remove_all(folder_);  // it has ended, whether its files can go or not
  return {};
}

/// One file tells of all guests, so entries succeed or fail together; a start reads them.
std::vector<Result<void>> ProxyDriver::apply(std::span<const engine::Step* const> steps) {
  if (steps.empty()) return {};
  process_.look();
  const engine::ServiceChange* wanted = nullptr;
  for (const engine::Step* step : steps) {
    if (const auto* change = service_change(*step)) wanted = change;
  }
  const bool stops = wanted && !wanted->after;
  Result<void> told = stops ? Result<void>() : make_directories(folder_);
  if (told && !stops) told = tell(steps);
  Result<void> served = told;
  if (stops) served = stop();
  if (wanted && !stops && told) served = run(wanted->after->config);
  std::vector<Result<void>> results;
  for (const engine::Step* step : steps) results.push_back(service_change(*step) ? served : told);
  return results;
}

std::vector<std::pair<engine::ServiceKey, int>> ProxyDriver::watch() const {
  if (!process_.runs()) return {};
  return {{kProxy, process_.process().descriptor()}};
}

}  // namespace novaplane::metadata
