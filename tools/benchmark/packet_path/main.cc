#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>

#include "dataplane/cli/parse.h"
#include "tools/benchmark/packet_path/probe.h"
#include "tools/benchmark/packet_path/results.h"
#include "tools/benchmark/packet_path/world.h"

/// What a packet costs on its way through a host: novaplane's beside less, in turns.
namespace novaplane::bench {
namespace {

struct Options {
  std::string binaries, other, configurations, results;
  int rounds = 0, processor = -1;
  bool quick = false, vlans = false, list = false, help = false;
};

/// One flow of one configuration, from round to round until it fails.
struct Flow {
  const Configuration* configuration;
  Traffic traffic;
  std::unique_ptr<Probe> probe;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

std::vector<Configuration> selection(const Options& options) {
  const auto all = configurations(options.binaries, options.other);
  if (!options.configurations.empty()) return chosen(all, split(options.configurations));
  std::vector<std::string> names;
  for (const Configuration& one : all) {
    if (options.quick ? one.quick : one.needs_vlans == options.vlans) names.push_back(one.name);
  }
  return chosen(all, names);
}

/// All that stands at once, and what flows there.
class Bench {
 public:
  Bench(std::vector<Configuration> configurations, int processor)
      : configurations_(std::move(configurations)),
        results_(configurations_),
        processor_(processor) {
    for (const Configuration& one : configurations_) build(one);
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (const Traffic traffic : {Traffic::kToFloatingIp, Traffic::kFromFloatingIp,
                                    Traffic::kSnat, Traffic::kBridged, Traffic::kAcross}) {
        for (const MetricText& metric : kMetrics) in_turns(traffic, metric.metric, round);
      }
      for (const auto& world : worlds_) world->forget_flows();
      std::cerr << fmt::format("\rround {} of {}", round + 1, rounds) << std::flush;
    }
    std::cerr << '\n';
  }

  const Results& results() const { return results_; }

 private:
  void build(const Configuration& one) {
    std::cerr << "building " << one.name << '\n';
    try {
      worlds_.push_back(std::make_unique<World>(one));
    } catch (const std::exception& trouble) {
      std::cerr << fmt::format("{}: failed: {}\n", one.name, trouble.what());
      for (const Traffic traffic : one.traffic) results_.fail(one.name, traffic, trouble.what());
      return;
    }
    for (const Traffic traffic : one.traffic) {
      try {
        const OnProcessor here(processor_);
        const World::Path path = worlds_.back()->path(traffic);
        flows_.push_back(
            {&one, traffic,
             std::make_unique<Probe>(path.client, path.server, path.address, path.port)});
      } catch (const std::exception& trouble) {
        fail(one, traffic, trouble);
      }
    }
  }

  /// One metric of all configurations side by side, every other round backward.
  void in_turns(Traffic traffic, Metric metric, int round) {
    const OnProcessor here(processor_);
    const auto measure = [&](Flow& flow) {
      if (flow.traffic != traffic || !flow.probe) return;
      try {
        results_.add(flow.configuration->name, traffic, metric, flow.probe->measure(metric));
      } catch (const std::exception& trouble) {
        fail(*flow.configuration, traffic, trouble);
        flow.probe.reset();
      }
    };
    if (round % 2 == 0) {
      for (auto flow = flows_.begin(); flow != flows_.end(); ++flow) measure(*flow);
    } else {
      for (auto flow = flows_.rbegin(); flow != flows_.rend(); ++flow) measure(*flow);
    }
  }

  void fail(const Configuration& one, Traffic traffic, const std::exception& trouble) {
    std::cerr << fmt::format("{}, {}: failed: {}\n", one.name, title_of(traffic), trouble.what());
    results_.fail(one.name, traffic, trouble.what());
  }

  std::vector<Configuration> configurations_;
  Results results_;
  int processor_;
  std::vector<std::unique_ptr<World>> worlds_;
  std::vector<Flow> flows_;
};

std::string first_line(const char* path, const std::string& begin = {}) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(begin)) return line;
  }
  return {};
}

std::string machine(int rounds, int processor) {
  utsname kernel{};
  uname(&kernel);
  return fmt::format("{} {}, {} processors ({}), measured on number {}; {} rounds; load {}",
                     kernel.sysname, kernel.release, std::thread::hardware_concurrency(),
                     first_line("/proc/cpuinfo", "model name"), processor, rounds,
                     first_line("/proc/loadavg"));
}

int measure(const Options& options) {
  const auto configurations = selection(options);
  if (options.list) {
    for (const Configuration& one : configurations) std::cout << one.name << '\n';
    return 0;
  }
  const int rounds = options.rounds > 0 ? options.rounds : options.quick ? 31 : 21;
  const int processor = options.processor >= 0
                            ? options.processor
                            : static_cast<int>(std::thread::hardware_concurrency()) - 1;
  Bench bench(configurations, processor);
  const std::string before = machine(rounds, processor);
  bench.run(rounds);
  const std::string after = first_line("/proc/loadavg");
  std::cout << before << "; at the end " << after << '\n';
  bench.results().print_tables(std::cout);
  if (!options.results.empty()) {
    std::ofstream file(options.results);
    file << "# " << before << "; at the end " << after << '\n';
    bench.results().print_tsv(file);
  }
  return bench.results().has_failures() ? 1 : 0;
}

}  // namespace
}  // namespace novaplane::bench

int main(int argc, char** argv) {
  using namespace novaplane::bench;
  namespace po = boost::program_options;
  Options options;
  po::options_description described("packet_path [OPTION...]");
  auto add = described.add_options();
  add("help", po::bool_switch(&options.help), "print this");
  add("binary-dir", po::value(&options.binaries)->default_value("build"),
      "the build directory of novaplane");
  add("other-binary-dir", po::value(&options.other),
      "that of another version: novaplane's configurations stand twice, this one's are the floor");
  add("configurations", po::value(&options.configurations), "their names, with commas; and floors");
  add("list", po::bool_switch(&options.list), "print the names of configurations");
  add("quick", po::bool_switch(&options.quick), "those that an edit of the rules needs");
  add("vlans", po::bool_switch(&options.vlans), "those that need 802.1Q, and no others");
  add("rounds", po::value(&options.rounds), "how often each is measured");
  add("processor", po::value(&options.processor), "where: the last one, unless this says another");
  add("results", po::value(&options.results), "a file for the figures, tab-separated");
  if (const auto words = novaplane::cli::parse({argv + 1, argv + argc}, described);
      !words || !words->empty()) {
    std::cerr << (words ? "unknown word" : words.error()) << '\n' << described;
    return 64;
  }
  if (options.help) {
    std::cout << described;
    return 0;
  }
  if (geteuid() != 0) {
    std::cerr << "packet_path: network namespaces are made; run this as root\n";
    return 1;
  }
  try {
    return measure(options);
  } catch (const std::exception& trouble) {
    std::cerr << "packet_path: " << trouble.what() << '\n';
    return 1;
  }
}
