#pragma once

#include <array>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tools/benchmark/packet_path/configuration.h"
#include "tools/benchmark/packet_path/probe.h"
#include "tools/benchmark/packet_path/statistics.h"

namespace novaplane::bench {

/// What was measured, round by round, and what could not be.
class Results {
 public:
  explicit Results(std::vector<Configuration> configurations)
      : configurations_(std::move(configurations)) {}

  void add(const std::string& configuration, Traffic traffic, Metric metric, double value);
  /// Why there is no figure.
  void fail(const std::string& configuration, Traffic traffic, const std::string& why);

  /// A Markdown table for each kind of traffic: ratios to each row's floor, round by round: median
  /// and quartiles, bold where that misses its goal; of a row without a floor the figures
  /// themselves.
  void print_tables(std::ostream& out) const;
  /// One line for each figure, tab-separated, with a head: what plots are made of.
  void print_tsv(std::ostream& out) const;
  bool has_failures() const { return !failures_.empty(); }

 private:
  using Values = std::array<std::vector<double>, kMetrics.size()>;
  using Key = std::pair<std::string, Traffic>;
  void print_row(std::ostream& out, const Configuration& one, Traffic traffic) const;
  const std::vector<double>& values(const std::string& configuration, Traffic traffic,
                                    Metric metric) const;

  std::vector<Configuration> configurations_;
  std::map<Key, Values> values_;
  std::map<Key, std::string> failures_;
};

}  // namespace novaplane::bench
