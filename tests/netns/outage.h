#pragma once

#include <string>

#include "tests/netns/world/namespace.h"
#include "tests/netns/world/process.h"

namespace novaplane::netns {

/// Asks all the time whether `address` answers, and knows the longest time that it did not.
class Outage {
 public:
  /// `interval`: seconds between two questions, as ping takes it.
  Outage(const Namespace& from, const std::string& address, const std::string& log,
         const std::string& interval = "0.002")
      : ping_({.argv = {"ping", "-n", "-D", "-i", interval, address}, .namespace_fd = from.fd()},
              log) {}

  /// Seconds between the two answers that lie furthest apart.
  double longest() {
    double last = 0, longest = 0;
    for (const auto& line : lines_of(ping_.log())) {
      if (!is_answer(line)) continue;
      const double at = std::stod(line.substr(1));
      if (last > 0) longest = std::max(longest, at - last);
      last = at;
    }
    return longest;
  }
  std::size_t answers() const {
    return static_cast<std::size_t>(std::ranges::count_if(lines_of(ping_.log()), is_answer));
  }
  /// Questions that somebody has answered a second time.
  bool has_duplicates() const { return ping_.log().find("DUP!") != std::string::npos; }
  /// It is answered from now on.
  bool goes_on(Duration deadline = kHangs) {
    constexpr std::size_t kSome = 20;
    const auto before = answers();
    return eventually([&] { return answers() > before + kSome; }, deadline);
  }

 private:
  static bool is_answer(const std::string& line) {
    return line.starts_with("[") && line.find("bytes from") != std::string::npos;
  }

  Child ping_;
};

}  // namespace novaplane::netns
