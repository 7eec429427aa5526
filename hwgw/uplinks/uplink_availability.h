#pragma once

#include <map>
#include <string>
#include <string_view>

#include "dataplane/engine/subsystem.h"
#include "hwgw/prober/health_check.h"

namespace novaplane::hwgw {

using UplinkStatuses = std::map<std::string, engine::UplinkStatus, std::less<>>;

/// What is held for and against each uplink, from probes and by hand. Pure.
class UplinkAvailability {
 public:
  /// These uplinks and no others; `stays`: whether traffic stays elsewhere when one that failed
  /// works again (fail_back: false). What is known of those that were there is kept.
  void set_uplinks(const std::map<std::string, bool>& stays);
  /// True: something changed.
  bool set_health(const std::string& uplink, Health state);
  bool drain(const std::string& uplink, bool drained);

  const UplinkStatuses& statuses() const { return statuses_; }
  void restore(UplinkStatuses statuses) { remembered_ = std::move(statuses); }

 private:
  void settle();

  UplinkStatuses statuses_, remembered_;
  std::map<std::string, bool> stays_;
};

/// As kept in the run directory: a line for each, "wan dead drained". What is no such line is left
/// out.
std::string to_text(const UplinkStatuses& statuses);
/// Lines that make no sense are passed over; their numbers go into `spoiled`.
UplinkStatuses uplink_statuses_from(std::string_view text,
                                    std::vector<std::size_t>* spoiled = nullptr);

}  // namespace novaplane::hwgw
