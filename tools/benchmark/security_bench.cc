#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>

#include "dataplane/cloud/security.h"
#include "dataplane/nft/batch.h"
#include "dataplane/nft/elements.h"
#include "security/sets.h"
#include "tests/support/large_cloud.h"
#include "tools/benchmark/bare_transaction.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// Security groups: many rules at once, beside `nft -f` of the same elements, and one port that
/// changes its groups, beside the one element that says so.
namespace novaplane::bench {
namespace {

constexpr unsigned kGroups = 1'000, kRules = 10, kPorts = 1'000, kIterations = 5;

/// Ten rules of those that documents have: ports, ranges of addresses and ports, ICMP, members.
std::string group_text(unsigned i) {
  std::string rules = "{protocol: icmp, type: 8}";
  for (unsigned port = 0; port < 5; ++port) {
    rules += fmt::format(", {{protocol: tcp, ports: {}}}", 1000 + i + 2000 * port);
  }
  for (unsigned range = 0; range < 2; ++range) {
    rules += fmt::format(", {{protocol: tcp, ports: {}-{}, from: 10.{}.{}.0/24}}", 20'000 + i,
                         21'000 + i, 200 + range, i % 250);
  }
  for (unsigned member = 1; member <= 2; ++member) {
    rules +=
        fmt::format(", {{protocol: tcp, ports: 5432, from_group: g{}}}", (i + member) % kGroups);
  }
  return fmt::format("  g{}: {{ingress: [{}]}}\n", i, rules);
}

cloud::Cloud cloud_of(bool with_groups) {
  const test::LargeCloud large{.networks = 100, .ports = kPorts, .floating_ips = 0};
  std::string text = large.document();
  text.resize(text.find("floating_ips:"));
  text += "security_groups:\n";
  for (unsigned i = 0; i < kGroups; ++i) text += group_text(i);
  cloud::Cloud cloud = read_document(text);
  for (unsigned i = 0; with_groups && i < kPorts; ++i) {
    cloud.ports.edit(test::LargeCloud::port(i)).security_groups = {fmt::format("g{}", i % kGroups)};
  }
  return cloud;
}

/// What groups have the kernel remember, as nft reads it.
class Floor {
 public:
  Floor(const cloud::Cloud& without, const cloud::Cloud& with) {
    const Site::Visit visit(site_);
    Host host(site_);
    std::set<std::string> before, sets_before;
    const auto for_each = [&](auto&& note) {
      host.engine().tables().elements.rows().for_each(
          [&](const nft::ElementKey& key, const nft::Element* wanted, const auto*) {
            if (wanted) note(key, *wanted);
          });
    };
    host.load(without);
    host.converge();
    for_each([&](const nft::ElementKey& key, const nft::Element&) {
      before.insert(name_of(key));
      sets_before.emplace(key.set.name);
    });
    host.load(with);
    host.converge();
    nft::Transaction added, removed;
    std::set<std::string> flushed;
    for_each([&](const nft::ElementKey& key, const nft::Element& element) {
      if (before.contains(name_of(key))) return;
      added.add.emplace_back(key, element);
      if (sets_before.contains(std::string(key.set.name))) return removed.remove.push_back(key);
      const nft::Set* set = nft::find_set(host.engine().ruleset(), key.set);
      flushed.insert(fmt::format("flush {} {} novaplane {}\n", set->data.empty() ? "set" : "map",
                                 to_string(key.set.family), key.set.name));
    });
    write("added.nft", to_text(host.engine().ruleset(), added));
    write("removed.nft",
          fmt::format("{}{}", fmt::join(flushed, ""), to_text(host.engine().ruleset(), removed)));
  }
  auto adds() {
    load("removed.nft");
    return time_of([&] { load("added.nft"); });
  }

 private:
  static std::string name_of(const nft::ElementKey& key) {
    return fmt::format("{} {}{}", key.set.name, key.key.view(), key.key_end.view());
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(site_.run_dir() + "/" + name) << text;
  }
  void load(const std::string& name) {
    const Site::Visit visit(site_);
    const std::string file = site_.run_dir() + "/" + name;
    if (std::system(("nft -f " + file).c_str()) != 0) give_up("nft -f " + file);
  }

  Site site_;
};

/// Of the whole machine, on which nothing else happens.
double kernel_bytes() {
  std::ifstream file("/proc/meminfo");
  double kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    for (const char* name : {"Slab:", "VmallocUsed:", "Percpu:"}) {
      if (line.starts_with(name)) kilobytes += std::stod(line.substr(line.find(':') + 1));
    }
  }
  return kilobytes * 1024;
}

struct Rules {
  Line time{.ours = {}, .floor = {}, .limit = 1.2, .shows_p99 = false};
  Line memory{.ours = {}, .floor = {}, .limit_mb = 10, .shows_p99 = false};
};

void load_rules(benchmark::State& state, Line Rules::*shown) {
  const cloud::Cloud without = cloud_of(false), with = cloud_of(true);
  Floor floor(without, with);
  const Site site;
  const Site::Visit visit(site);
  Host host(site);
  host.load(without);
  host.converge();
  Rules rules;
  for (auto _ : state) {
    const double before = kernel_bytes();
    cloud::Cloud document = with;
    const auto took = time_of([&] {
      host.engine().load(std::move(document));
      host.converge();
    });
    rules.time.ours.add(took);
    rules.memory.ours.add_bytes(kernel_bytes() - before);
    rules.time.floor.add(floor.adds());
    host.engine().load(without);
    host.converge();
    state.SetIterationTime(took.count() / 1e6);
  }
  put(state, rules.*shown);
}

/// Ports of other hosts, which one port here has rules for.
class Members {
 public:
  explicit Members(unsigned members) {
    const unsigned networks = (members + 1 + kPortsPerNetwork - 1) / kPortsPerNetwork;
    const test::LargeCloud large{.networks = networks, .ports = members + 1, .floating_ips = 0};
    std::string text = large.document();
    text.resize(text.find("floating_ips:"));
    text +=
        "security_groups:\n  red: {ingress: [{protocol: tcp, ports: 80, from_group: red}]}\n  "
        "blue: {ingress: [{protocol: tcp, ports: 80, from_group: blue}]}\n";
    text.insert(text.find("networks:"), "  compute2: {}\n");
    cloud::Cloud cloud = read_document(text);
    for (unsigned i = 0; i <= members; ++i) {
      cloud::Port& port = cloud.ports.edit(test::LargeCloud::port(i));
      port.security_groups = {i % 2 ? "red" : "blue"};
      if (i > 1) port.host = "compute2";
    }
    member_ = cloud.ports.at(test::LargeCloud::port(members));
    for (auto [host, site] : {std::pair{&host_, &site_}, {&floor_host_, &floor_site_}}) {
      const Site::Visit visit(*site);
      host->load(cloud);
      host->converge();
    }
  }
  auto changes(unsigned i) {
    const Site::Visit visit(site_);
    member_.security_groups = {i % 2 ? "red" : "blue"};
    return time_of([&] {
      host_.engine().document().put(member_);
      host_.pass();
    });
  }
  /// The same element back and forth, by messages that exist.
  auto floor_changes(unsigned i) {
    auto& way = i % 2 ? to_red_ : to_blue_;
    if (!way) way.emplace(floor_site_, exchange(i % 2 ? "red" : "blue"));
    return time_of([&] { way->send(); });
  }
  void check() {
    if (const std::string left = host_.first_step(); !left.empty()) give_up("left to do: " + left);
  }

 private:
  static constexpr unsigned kPortsPerNetwork = 250;

  std::vector<char> exchange(const std::string& group) {
    const nft::ElementKey key = security::kMember4.key({member_.address});
    const nft::Element element{security::kMember4.data({cloud::number_of({group})}),
                               CompactString("port " + member_.name)};
    nft::Batch batch;
    batch.begin(std::nullopt);
    const nft::Set set = security::kMember4.declared();
    nft::ElementMessages removed(batch, nft::Batch::Subject::Kind::remove);
    removed.put(set, key, nullptr, 0);
    removed.finish();
    nft::ElementMessages added(batch, nft::Batch::Subject::Kind::add);
    added.put(set, key, &element, 0);
    added.finish();
    batch.end();
    std::vector<char> bytes;
    for (const iovec& part : batch.parts()) {
      const char* first = static_cast<const char*>(part.iov_base);
      bytes.insert(bytes.end(), first, first + part.iov_len);
    }
    return bytes;
  }

  Site site_, floor_site_;
  Host host_{site_}, floor_host_{floor_site_};
  cloud::Port member_;
  std::optional<BareTransaction> to_red_, to_blue_;
};

void change_member(benchmark::State& state, unsigned members) {
  Members all(members);
  Line line;
  unsigned i = 0;
  for (auto _ : state) {
    const auto ours = all.changes(i);
    line.ours.add(ours);
    line.floor.add(all.floor_changes(i++));
    state.SetIterationTime(ours.count() / 1e6);
  }
  all.check();
  put(state, line);
}

}  // namespace

void add_security_benchmarks() {
  constexpr int kChanges = 1000;
  const auto rules =
      fmt::format("{} rules in {} security groups for {} ports", kGroups * kRules, kGroups, kPorts);
  for (const auto& [what, shown] :
       {std::pair{" in force, beside nft -f", &Rules::time}, {", kernel memory", &Rules::memory}}) {
    add_row(rules + what, [shown = shown](auto& state) { load_rules(state, shown); })
        ->Iterations(kIterations)
        ->UseManualTime();
  }
  for (const unsigned members : {1'000, 10'000, 100'000}) {
    add_row(fmt::format("one member among {} changes its security groups", members),
            [members](auto& state) { change_member(state, members); })
        ->Iterations(kChanges)
        ->UseManualTime();
  }
}

}  // namespace novaplane::bench
