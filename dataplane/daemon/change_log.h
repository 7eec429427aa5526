#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"

/// What the log says of changes and of states, in sentences.
namespace novaplane::daemon {

/// "3 links, 1 route, 20000 elements": what of a plan was done, grouped. Acts are left out.
std::string summary(const engine::Plan& plan, const std::vector<Result<void>>& results);

/// Remembers how the objects fared, so that each trouble is told once, not with every retry.
class StateLog {
 public:
  struct Line {
    engine::State state;
    std::string text;  ///< "port web1: no link tap-web1 yet"
    bool operator==(const Line&) const = default;
  };

  /// What changed since the last call; an object that has recovered gives a line with State::ok.
  std::vector<Line> news(const std::map<engine::Object, engine::Status>& now);

 private:
  std::map<engine::Object, std::vector<std::string>> told_;
};

}  // namespace novaplane::daemon
