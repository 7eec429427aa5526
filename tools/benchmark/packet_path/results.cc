#include "tools/benchmark/packet_path/results.h"

#include <fmt/format.h>

#include <algorithm>

namespace novaplane::bench {
namespace {

constexpr std::array kTraffic{Traffic::kToFloatingIp, Traffic::kFromFloatingIp, Traffic::kSnat,
                              Traffic::kBridged, Traffic::kAcross};

std::string figure(double value) {
  return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string with_quartiles(const Spread& ratio) {
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", ratio.median, ratio.low, ratio.high);
}

bool has(const Configuration& one, Traffic traffic) {
  return std::ranges::find(one.traffic, traffic) != one.traffic.end();
}

/// In the two digits that are printed.
bool is_met(double limit, double ratio, bool less_is_better) {
  constexpr double kRounding = 0.005;
  if (limit == 0) return true;
  return less_is_better ? ratio < limit + kRounding : ratio >= limit - kRounding;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\t' || c == '|'; }, ' ');
  return text;
}

}  // namespace

void Results::add(const std::string& configuration, Traffic traffic, Metric metric, double value) {
  values_[{configuration, traffic}][index_of(metric)].push_back(value);
}

void Results::fail(const std::string& configuration, Traffic traffic, const std::string& why) {
  failures_.emplace(Key{configuration, traffic}, one_line(why));
}

const std::vector<double>& Results::values(const std::string& configuration, Traffic traffic,
                                           Metric metric) const {
  static const std::vector<double> none;
  const auto found = values_.find({configuration, traffic});
  return found == values_.end() ? none : found->second[index_of(metric)];
}

void Results::print_row(std::ostream& out, const Configuration& one, Traffic traffic) const {
  const Configuration* floor = floor_of(configurations_, one, traffic);
  if (floor && failures_.contains({floor->name, traffic})) floor = nullptr;
  out << "| " << one.name << " | " << (floor ? floor->name : "") << " |";
  if (const auto failure = failures_.find({one.name, traffic}); failure != failures_.end()) {
    out << " failed: " << failure->second << " |";
    for (std::size_t i = 1; i < kMetrics.size(); ++i) out << " |";
    out << '\n';
    return;
  }
  for (const MetricText& metric : kMetrics) {
    const auto& ours = values(one.name, traffic, metric.metric);
    if (floor) {
      const Spread ratio = spread_of(ratios(ours, values(floor->name, traffic, metric.metric)));
      const bool meets = is_met(limit_of(goal_of(one, floor, traffic), metric.metric), ratio.median,
                                metric.less_is_better);
      out << (meets ? " " : " **") << with_quartiles(ratio) << (meets ? " |" : "** |");
    } else {
      out << ' ' << figure(spread_of(ours).median) << ' ' << metric.unit << " |";
    }
  }
  out << '\n';
}

void Results::print_tables(std::ostream& out) const {
  for (const Traffic traffic : kTraffic) {
    if (std::ranges::none_of(configurations_, [&](const auto& one) { return has(one, traffic); })) {
      continue;
    }
    out << "\n### " << title_of(traffic) << "\n\n| configuration | beside |";
    for (const MetricText& metric : kMetrics) out << ' ' << metric.title << " |";
    out << "\n|---|---|";
    for (std::size_t i = 0; i < kMetrics.size(); ++i) out << "---|";
    out << '\n';
    for (const Configuration& one : configurations_) {
      if (has(one, traffic)) print_row(out, one, traffic);
    }
  }
  out.flush();
}

void Results::print_tsv(std::ostream& out) const {
  out << "traffic\tconfiguration\tbeside\tmetric\tunit\tmedian\tlow\thigh\tratio\tratio_low\t"
         "ratio_high\tmust_be\trounds\tfailure\n";
  for (const Traffic traffic : kTraffic) {
    for (const Configuration& one : configurations_) {
      if (!has(one, traffic)) continue;
      const auto failure = failures_.find({one.name, traffic});
      const Configuration* const floor = floor_of(configurations_, one, traffic);
      const std::string beside = floor ? floor->name : "";
      for (const MetricText& metric : kMetrics) {
        const auto& ours = values(one.name, traffic, metric.metric);
        const Spread spread = spread_of(ours);
        const Spread ratio = spread_of(ratios(ours, values(beside, traffic, metric.metric)));
        out << fmt::format(
            "{}\t{}\t{}\t{}\t{}\t{:.6g}\t{:.6g}\t{:.6g}\t{:.4g}\t{:.4g}\t{:.4g}\t"
            "{}\t{}\t{}\n",
            title_of(traffic), one.name, beside, metric.title, metric.unit, spread.median,
            spread.low, spread.high, ratio.median, ratio.low, ratio.high,
            limit_of(goal_of(one, floor, traffic), metric.metric), ours.size(),
            failure == failures_.end() ? "" : failure->second);
      }
    }
  }
  out.flush();
}

}  // namespace novaplane::bench
