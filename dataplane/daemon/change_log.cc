#include "dataplane/daemon/change_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace novaplane::daemon {
namespace {

struct Noun {
  std::string_view one, many;
};

// A kind of step without a noun does not compile.
Noun noun_of(const engine::FrameChange&) { return {"nf_tables frame", "nf_tables frames"}; }
Noun noun_of(const engine::LinkChange&) { return {"link", "links"}; }
Noun noun_of(const engine::Raise&) { return {"link state", "link states"}; }
Noun noun_of(const engine::AttachmentChange&) { return {"port", "ports"}; }
Noun noun_of(const engine::TakeoverChange&) {
  return {"NIC's addresses and routes", "NICs' addresses and routes"};
}
Noun noun_of(const engine::AddressChange&) { return {"address", "addresses"}; }
Noun noun_of(const engine::RouteChange&) { return {"route", "routes"}; }
Noun noun_of(const engine::ShaperChange&) { return {"rate limit", "rate limits"}; }
Noun noun_of(const engine::RuleChange&) { return {"rule", "rules"}; }
Noun noun_of(const engine::NeighbourChange&) { return {"neighbour", "neighbours"}; }
Noun noun_of(const engine::ForwardingChange&) { return {"forwarding entry", "forwarding entries"}; }
Noun noun_of(const engine::SysctlChange&) { return {"sysctl", "sysctls"}; }
Noun noun_of(const engine::ElementChange&) { return {"element", "elements"}; }
Noun noun_of(const engine::ServiceChange&) { return {"program", "programs"}; }
Noun noun_of(const engine::EntryChange&) { return {"DHCP or DNS entry", "DHCP and DNS entries"}; }
Noun noun_of(const engine::Announce&) { return {}; }  // an act, not a change
Noun noun_of(const engine::Reannounce&) { return {}; }
Noun noun_of(const engine::ForgetFlows&) { return {}; }

}  // namespace

std::string summary(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  struct Count {
    Noun noun;
    std::size_t number = 0;
  };
  std::array<Count, std::variant_size_v<engine::Operation>> counts{};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!results[i]) continue;
    Count& count = counts[plan[i].operation.index()];
    if (count.number++ > 0) continue;
    count.noun =
        std::visit([](const auto& operation) { return noun_of(operation); }, plan[i].operation);
  }
  std::string text;
  for (const auto& [noun, number] : counts) {
    if (noun.one.empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number,
                        number == 1 ? noun.one : noun.many);
  }
  return text;
}

std::size_t count_failed(const std::map<engine::Object, engine::Status>& objects) {
  return static_cast<std::size_t>(
      std::count_if(objects.begin(), objects.end(),
                    [](const auto& entry) { return entry.second.state == engine::State::failed; }));
}

std::vector<StateLog::Line> StateLog::news(const std::map<engine::Object, engine::Status>& now) {
  std::vector<Line> lines;
  std::map<engine::Object, std::vector<std::string>> known;
  for (const auto& [object, status] : now) {
    std::vector<std::string> reasons = status.reasons;
    std::sort(reasons.begin(), reasons.end());
    const auto told = told_.find(object);
    for (const std::string& reason : reasons) {
      const bool is_old = told != told_.end() &&
                          std::binary_search(told->second.begin(), told->second.end(), reason);
      if (!is_old)
        lines.push_back({status.state, fmt::format("{}: {}", object.to_string(), reason)});
    }
    known.emplace(object, std::move(reasons));
  }
  for (const auto& [object, reasons] : told_) {
    if (!known.contains(object)) {
      lines.push_back(
          {engine::State::ok, fmt::format("{}: no trouble any more", object.to_string())});
    }
  }
  told_ = std::move(known);
  return lines;
}

std::optional<std::string> LineBudget::admit(std::string line, Clock::time_point now) {
  const auto refills = static_cast<int>((now - at_) / kRefill);
  at_ += refills * kRefill;
  left_ = std::min(left_ + refills, kBurst);
  if (left_ == 0) {
    ++left_out_;
    return std::nullopt;
  }
  --left_;
  if (const int left_out = std::exchange(left_out_, 0)) {
    line += fmt::format(" (left out before: {} lines like this)", left_out);
  }
  return line;
}

}  // namespace novaplane::daemon
