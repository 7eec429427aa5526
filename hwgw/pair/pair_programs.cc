#include "hwgw/pair/pair_programs.h"

#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

#include "dataplane/base/files.h"
#include "hwgw/pair/gateway_pair.h"

namespace novaplane::hwgw {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTime{20};
constexpr std::chrono::milliseconds kLook{2};
/// What the programs themselves make.
constexpr std::string_view kLeft[] = {"lock", "ctl", "pid", "vrrp"};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// A comment that tells a link from one of the same name that is made later.
std::string numbers_of(const std::vector<std::string>& links) {
  std::string text;
  for (const std::string& link : links) {
    text += fmt::format("# {} {}\n", link, ::if_nametoindex(link.c_str()));
  }
  return text;
}

std::string_view file_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

PairProgram::PairProgram(engine::ServiceKey key, std::string folder, bool reloads,
                         std::chrono::milliseconds appears_within)
    : key_(std::move(key)),
      name_(file_part(key_)),
      folder_(std::move(folder)),
      reloads_(reloads),
      appears_within_(appears_within),
      process_(name_, file("conf")) {}

std::string PairProgram::file(std::string_view ending) const {
  return fmt::format("{}/{}.{}", folder_, name_, ending);
}

/// Without the program itself.
std::vector<std::string> PairProgram::arguments() const {
  if (name_ == "conntrackd") return {"-C", file("conf"), "-d"};
  return {"--use-file=" + file("conf"), "--vrrp", "--pid=" + file("pid"),
          "--vrrp_pid=" + file("vrrp")};
}

engine::Service PairProgram::service() const {
  const bool is_settled = ::access(file("unsettled").c_str(), F_OK) != 0;
  const auto text = read_whole(file("conf"));
  if (!process_.runs_with(arguments()) || !is_settled || !text) return {};
  engine::Service seen{replaced(*text, folder_, kFolderMark), {}};
  for (const PairMember::Gateway& gateway : gateways_in(seen.config)) {
    seen.others.push_back(gateway.bridge);
  }
  const std::string numbers = numbers_of(seen.others);
  if (!seen.config.starts_with(numbers)) return {};
  seen.config.erase(0, numbers.size());
  constexpr std::string_view kDevice = "\n    Interface ";
  if (const auto at = seen.config.find(kDevice); at != std::string::npos) {
    const auto begin = at + kDevice.size();
    seen.device = seen.config.substr(begin, seen.config.find('\n', begin) - begin);
  }
  return seen;
}

/// What the program refuses never takes the place of what it runs with.
Result<void> PairProgram::run(const engine::Service& service) {
  if (auto made = make_directories(folder_); !made) return made;
  const std::string text =
      numbers_of(service.others) + replaced(service.config, kFolderMark, folder_);
  // A second process that has lost its first one may be about to end, and would keep others away.
  look();
  if (auto understood = try_out(text); !understood) return refuse(text, understood.error());
  const auto before = runs() ? read_whole(file("conf")) : failure("none runs");
  auto taken_over = take_over(text);
  if (taken_over) return remove_all(file("refused"));
  if (!before || runs() || !take_over(*before)) return taken_over;
  taken_over.error().words += "; the configuration before serves again";
  return refuse(text, taken_over.error());
}

/// Kept with the program's words, for `show` and for who looks for the line that they name.
Result<void> PairProgram::refuse(const std::string& text, const Error& why) const {
  (void)write_whole(file("refused"), engine::with_refusal(text, why.words));
  return tl::unexpected(why);
}

Result<void> PairProgram::take_over(const std::string& text) {
  const bool continues = reloads_ && runs() && process_.runs_with(arguments());
  if (!continues) {
    if (auto stopped = stop(); !stopped) return stopped;
  }
  if (auto marked = write_whole(file("unsettled"), ""); !marked) return marked;
  if (auto written = write_whole(file("conf"), text); !written) return written;
  if (auto told = continues ? process().signal(SIGHUP) : start(); !told) return told;
  return remove_all(file("unsettled"));
}

/// keepalived would say what it does not understand to the system's log alone. conntrackd has no
/// word for a test: one that only asks the running one how it fares (-s) reads the file first.
Result<void> PairProgram::try_out(const std::string& text) const {
  if (!reloads_ && !runs()) return {};
  const std::string draft = file("refused");
  if (auto written = write_whole(draft, text); !written) return written;
  const auto asked = ask(draft);
  if (asked || reloads_) return asked;
  return ask(file("conf")) ? asked : Result<void>();  // it does not answer, whatever it is asked
}

Result<void> PairProgram::ask(const std::string& configuration) const {
  const auto program = find_program(name_);
  if (!program) return tl::unexpected(program.error());
  auto child = spawn(
      reloads_ ? std::vector{*program, std::string("--config-test"), "--use-file=" + configuration}
               : std::vector{*program, std::string("-C"), configuration, std::string("-s")});
  if (!child) return tl::unexpected(child.error());
  const auto exit = child->wait(Clock::now() + kStartTime);
  if (!exit) return tl::unexpected(exit.error());
  if (exit->status == 0) return {};
  return failure("configure " + name_,
                 runs() ? exit->words + "; it goes on with the configuration before" : exit->words);
}

Result<void> PairProgram::start() {
  // What one that was killed has left keeps another from starting.
  for (const std::string_view left : kLeft) (void)remove_all(file(left));
  const auto program = find_program(name_);
  if (!program) return tl::unexpected(program.error());
  std::vector<std::string> words = arguments();
  words.insert(words.begin(), *program);
  auto child = spawn(words);
  if (!child) return tl::unexpected(child.error());
  const auto exit = child->wait(Clock::now() + kStartTime);
  if (!exit) return tl::unexpected(exit.error());
  if (exit->status != 0) {
    return failure("start " + name_,
                   exit->words.empty() ? fmt::format("exit status {}", exit->status) : exit->words);
  }
  return find_started();
}

/// The first process has ended when the one that stays is on its way, which tells nobody when it is
/// there.
Result<void> PairProgram::find_started() {
  const Deadline deadline = Clock::now() + appears_within_;
  while (Clock::now() < deadline) {
    look();
    if (runs()) return {};
    std::this_thread::sleep_for(kLook);
  }
  return failure("start " + name_,
                 "it ended right after its start; the system's log has its words");
}

Result<void> PairProgram::stop() {
  if (auto ended = process_.end(); !ended) return ended;
  for (const std::string_view left : kLeft) (void)remove_all(file(left));
  // It has ended, whether its files can go or not.
  for (const char* ours : {"conf", "unsettled", "refused"}) (void)remove_all(file(ours));
  return {};
}

PairPrograms::PairPrograms(const std::string& run_dir, std::chrono::milliseconds appears_within)
    : folder_(std::filesystem::weakly_canonical(std::filesystem::absolute(run_dir)) / "failover") {
  constexpr bool kReloads = true;
  programs_.emplace_back(kKeepalived, folder_, kReloads, appears_within);
  programs_.emplace_back(kConntrackd, folder_, !kReloads, appears_within);
}

Result<engine::SeenServices> PairPrograms::observe() {
  for (PairProgram& program : programs_) program.forget();
  for (const pid_t pid : all_processes()) {
    const auto arguments = command_line(pid);
    for (PairProgram& program : programs_) program.consider(pid, arguments);
  }
  observed_ = true;
  engine::SeenServices seen;
  for (const PairProgram& program : programs_) {
    if (program.runs()) seen.services.emplace_back(program.key(), program.service());
  }
  return seen;
}

Result<void> PairPrograms::apply(const engine::ServiceChange& change) {
  const auto program = std::ranges::find(programs_, change.key, &PairProgram::key);
  if (program == programs_.end()) return failure("run " + change.key, EINVAL, "no such program");
  if (change.after) return program->run(*change.after);
  auto stopped = program->stop();
  // The last one takes the folder along.
  if (std::ranges::none_of(programs_, &PairProgram::runs)) (void)remove_all(folder_);
  return stopped;
}

std::vector<Result<void>> PairPrograms::apply(std::span<const engine::Step* const> steps) {
  if (!observed_) (void)observe();
  std::vector<Result<void>> results;
  for (const engine::Step* step : steps) {
    const auto* change = std::get_if<engine::ServiceChange>(&step->operation);
    results.push_back(change ? apply(*change) : failure("tell " + folder_, EINVAL));
  }
  return results;
}

std::vector<std::pair<engine::ServiceKey, int>> PairPrograms::watch() const {
  std::vector<std::pair<engine::ServiceKey, int>> descriptors;
  for (const PairProgram& program : programs_) {
    if (program.runs()) descriptors.emplace_back(program.key(), program.process().descriptor());
  }
  return descriptors;
}

}  // namespace novaplane::hwgw
