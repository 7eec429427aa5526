#pragma once

#include <map>
#include <string>
#include <string_view>

#include "dataplane/engine/subsystem.h"
#include "hwgw/health.h"

namespace novaplane::hwgw {

using Verdicts = std::map<std::string, engine::UplinkVerdict, std::less<>>;

/// What is held for and against each uplink, from verdicts and by hand. Pure.
class Book {
 public:
  /// These uplinks and no others; `stays`: whether traffic stays elsewhere when one that failed
  /// works again (fail_back: false). What is known of those that were there is kept.
  void keep(const std::map<std::string, bool>& stays);
  /// True: something changed.
  bool heard(const std::string& uplink, State state);
  bool drain(const std::string& uplink, bool drained);

  bool knows(const std::string& uplink) const { return verdicts_.contains(uplink); }
  const Verdicts& verdicts() const { return verdicts_; }
  void restore(Verdicts verdicts) { remembered_ = std::move(verdicts); }

 private:
  void settle();

  Verdicts verdicts_, remembered_;
  std::map<std::string, bool> stays_;
};

/// As kept in the run directory: a line for each, "wan dead drained". What is no such line is left
/// out.
std::string to_text(const Verdicts& verdicts);
/// Lines that make no sense are passed over; their numbers go into `spoiled`.
Verdicts verdicts_from(std::string_view text, std::vector<std::size_t>* spoiled = nullptr);

}  // namespace novaplane::hwgw
