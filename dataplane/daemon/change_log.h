#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

/// What the log says of changes and of states, in sentences.
namespace novaplane::daemon {

/// "3 links, 1 route, 20000 elements": what of a plan was done, grouped. Acts are left out.
std::string summary(const engine::Plan& plan, const std::vector<Result<void>>& results);

/// The transaction as nft would read it, a line for each command, as many as anybody reads.
std::vector<std::string> lines_of(const nft::Ruleset&, const nft::Transaction&);

std::size_t count_failed(const std::map<engine::Object, engine::ObjectStatus>& objects);

/// Keeps the status that was logged last of each object, so that each trouble is told once, not
/// with every retry.
class StatusLog {
 public:
  struct Line {
    engine::ObjectState state;
    engine::Object object;
    std::string text;  ///< "port web1: no link tap-web1 yet"
    bool operator==(const Line&) const = default;
  };

  /// What changed since the last call; an object that has recovered gives a line with
  /// ObjectState::ok.
  std::vector<Line> news(const std::map<engine::Object, engine::ObjectStatus>& now);

 private:
  std::map<engine::Object, std::vector<std::string>> told_;
};

/// As many lines as anybody reads: where more objects of one kind come to one state at once, one
/// line names the first of them and says where all are listed.
std::vector<StatusLog::Line> shortened(const std::vector<StatusLog::Line>& news);

/// Keeps somebody who undoes what we do, again and again, from filling the log.
class LineBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kBurst = 20;                  ///< lines, before any is left out
  static constexpr std::chrono::seconds kRefill{5};  ///< for each further line

  explicit LineBudget(Clock::time_point now) : at_(now) {}

  /// The line as it is to be written, with word of those left out before it; none: left out.
  std::optional<std::string> admit(std::string line, Clock::time_point now);

 private:
  Clock::time_point at_;
  int left_ = kBurst, left_out_ = 0;
};

}  // namespace novaplane::daemon
