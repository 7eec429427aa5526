#pragma once

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/netlink/socket.h"

namespace novaplane::engine {

/// Requests of several steps, sent at once; each failure goes to the step that it belongs to. The
/// first failure of a step stays.
class Batch {
 public:
  void add(std::size_t step, netlink::Request request) {
    steps_.push_back(step);
    requests_.push_back(std::move(request));
  }

  /// Errors among `tolerated` mean that what was asked for is so already.
  void send(netlink::Socket& socket, std::span<Result<void>> results,
            std::initializer_list<int> tolerated = {}) {
    const auto answers = socket.send(requests_);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const bool failed = !answers[i] && std::find(tolerated.begin(), tolerated.end(),
                                                   answers[i].error().code) == tolerated.end();
      if (failed && results[steps_[i]]) results[steps_[i]] = answers[i];
    }
    requests_.clear();
    steps_.clear();
  }

 private:
  std::vector<netlink::Request> requests_;
  std::vector<std::size_t> steps_;
};

}  // namespace novaplane::engine
