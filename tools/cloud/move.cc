#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tools/cloud/api.h"
#include "tools/cloud/edits.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/duration.h"
#include "tools/terminal.h"

/// `port move`: a guest goes to another host.
namespace novaplane::tools {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{10}, kLongestPause{1000};

Target port_called(const std::string& name) { return {*kind_called("ports"), name}; }

/// Where a port is, and where it is about to be.
struct Place {
  std::string host, migrating_to;  ///< either may be empty
};

tl::expected<Place, Refused> place_of(const Options& options, const std::string& port) {
  return ask_json(options, {"GET", port_called(port).path()}).and_then([](const Json& object) {
    return read_answer(object, [](const Json& json) {
      return Place{json.value("host", ""), json.value("migrating_to", "")};
    });
  });
}

/// Until nothing migrates any more: the guest is there, or somebody has cancelled it.
int wait_for_arrival(const Options& options, const std::string& port, const std::string& host) {
  const std::string timeout = options.timeout.empty() ? "1m" : options.timeout;
  const auto end = steady_clock::now() + *time_from(timeout);
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const auto place = place_of(options, port);
    if (!place) return tell(place.error());
    if (place->migrating_to.empty()) {
      if (place->host != host) {
        complain(fmt::format("port {} stays on {}: its move was cancelled", port, place->host));
        return kFailed;
      }
      print(fmt::format("port {} is on {}\n", port, host));
      return kDone;
    }
    const auto now = steady_clock::now();
    if (now >= end) {
      complain(fmt::format("the guest of port {} has not come to {} within {}; {} stays prepared",
                           port, host, timeout, host));
      return kFailed;
    }
    std::this_thread::sleep_until(std::min(now + pause, end));
  }
}

/// A port without a host has no guest that something could be prepared for.
int move(const Options& options, const std::string& port, const std::string& host) {
  const auto place = place_of(options, port);
  if (!place) return tell(place.error());
  const bool is_at_once = options.now || place->host.empty();
  const Json patch =
      is_at_once ? Json{{"host", host}, {"migrating_to", nullptr}} : Json{{"migrating_to", host}};
  if (const int status = patch_object(options, port_called(port), patch); status != kDone) {
    return status;
  }
  if (is_at_once) return kDone;
  if (options.wait) return wait_for_arrival(options, port, host);
  if (!options.json) print(fmt::format("{} gets ready; the port moves with its guest\n", host));
  return kDone;
}

/// Empty: all is well.
std::string wrong_with(const Options& options) {
  const auto& words = options.arguments;
  if (words.front() != "move") {
    return fmt::format("port knows move, not '{}' (novaplane get ports lists them)", words.front());
  }
  if (options.cancel && (words.size() == 3 || options.now || options.wait)) {
    return "say novaplane port move NAME --cancel";
  }
  if (!options.cancel && words.size() == 2) {
    return "say novaplane port move NAME HOST, or port move NAME --cancel";
  }
  if (options.now && options.wait) return "with --now there is nothing to wait for";
  if (!options.timeout.empty() && !options.wait) return "--timeout is for --wait";
  if (!options.timeout.empty() && !time_from(options.timeout)) {
    return fmt::format("--timeout {}: say 30s, 5m or 1h (at most a day)", options.timeout);
  }
  return {};
}

}  // namespace

int move_port(const Options& options) {
  if (const std::string sentence = wrong_with(options); !sentence.empty()) {
    return misused(sentence);
  }
  const std::string& port = options.arguments[1];
  if (!options.cancel) return move(options, port, options.arguments[2]);
  return patch_object(options, port_called(port), {{"migrating_to", nullptr}});
}

}  // namespace novaplane::tools
