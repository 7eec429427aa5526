#include <utility>

#include "dataplane/engine/compiler.h"
#include "dataplane/engine/lookup.h"

/// A guest that migrates was seen to arrive here, or to leave: what has to do with its port is
/// compiled again, and nothing else. The document says so a moment later.
namespace novaplane::engine {

/// False: it is as before, or other facts differ too, and nothing was compiled.
bool Compiler::learn_moved(Facts& facts) {
  auto moved = std::exchange(facts.moved, facts_.moved);
  if (moved == facts_.moved || facts != facts_) {
    facts.moved = std::move(moved);
    return false;
  }
  std::set<Object> concerned;
  for (const std::string& port : migrating_) {
    const auto *now = find(moved, port), *before = find(facts_.moved, port);
    const bool stays = now && before ? *now == *before : now == before;
    if (!stays) add_dependents_of_port(port, concerned);
  }
  waited_for_.insert(concerned.begin(), concerned.end());
  begin_edit(std::move(concerned), [this, moved = std::move(moved)] { facts_.moved = moved; });
  return true;
}

}  // namespace novaplane::engine
