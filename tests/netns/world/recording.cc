#include "tests/netns/world/recording.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>

#include <fmt/format.h>

#include "dataplane/base/hash.h"
#include "tests/netns/world/recorded_messages.h"

namespace novaplane::netns {
namespace fs = std::filesystem;
namespace {

constexpr int kInet = 1, kBridge = 7;  // NFPROTO_*

std::string replace(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// What is in the second one only.
Lines added(Lines before, const Lines& after) {
  Lines lines;
  for (const std::string& line : after) {
    const auto found = std::ranges::find(before, line);
    if (found == before.end())
      lines.push_back(line);
    else
      before.erase(found);
  }
  return lines;
}

/// Values below net/ that somebody writes.
Lines sysctls_of(const Namespace& where) {
  Lines lines;
  where.inside([&] {
    for (const std::string root : {"net/ipv4", "net/ipv6", "net/bridge"}) {
      for (const auto& entry : fs::recursive_directory_iterator("/proc/sys/" + root)) {
        static const std::regex own("/route/|nf_conntrack|/mtu$|secret|_key$");
        const std::string path = entry.path().string().substr(std::size("/proc/sys/") - 1);
        if (!entry.is_regular_file() || std::regex_search(path, own)) continue;
        if (path.find("/neigh/") != std::string::npos && !path.ends_with("/proxy_delay")) continue;
        const auto value = lines_of(read_file("/proc/sys/" + path));
        if (value.size() == 1) lines.push_back(fmt::format("{} = {}", path, value.front()));
      }
    }
  });
  std::ranges::sort(lines);
  return lines;
}

std::string group(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

/// One line of `ip -d -o link show`.
struct Link {
  std::string line, name, kind;

  explicit Link(const std::string& text)
      : line(text),
        name(group(text, R"(^\d+: ([^@: ]+))")),
        kind(group(text, R"( (bridge|vxlan) (?:id|forward_delay))")) {}
  std::string value(const std::string& key) const { return group(line, " " + key + " (\\S+)"); }
  bool is_up() const { return std::regex_search(line, std::regex("[<,]UP[,>]")); }
};

std::string creation(const Link& link) {
  const std::string head = fmt::format("link add name {} address {} group {} type {}", link.name,
                                       link.value("link/ether"), link.value("group"), link.kind);
  if (link.kind == "bridge")
    return fmt::format("{} forward_delay {} stp_state {}\n", head, link.value("forward_delay"),
                       link.value("stp_state"));
  return fmt::format("{} id {} local {} dstport {} {}\n", head, link.value("vxlan id"),
                     link.value("local"), link.value("dstport"),
                     link.line.find(" nolearning") != std::string::npos ? "nolearning" : "");
}

/// What is set of a link, made by us or not.
std::string settings(const Link& link, const Link* before) {
  std::string lines;
  const auto differs = [&](const std::string& key) {
    return !link.value(key).empty() && (!before || before->value(key) != link.value(key));
  };
  for (const std::string key : {"master", "mtu", "group", "addrgenmode", "alias"}) {
    if (key == "alias") {
      const std::string alias = group(link.line, R"(\\\s+alias (.*)$)");
      if (!alias.empty()) lines += fmt::format("link set {} alias \"{}\"\n", link.name, alias);
    } else if (differs(key)) {
      lines += fmt::format("link set {} {} {}\n", link.name, key, link.value(key));
    }
  }
  if (link.line.find(" bridge_slave ") == std::string::npos) return lines;
  for (const auto& [flag, usual] : {std::pair{"learning", "on"},
                                    {"flood", "on"},
                                    {"neigh_suppress", "off"},
                                    {"hairpin", "off"}})
    if (link.value(flag) != usual)
      lines +=
          fmt::format("link set {} type bridge_slave {} {}\n", link.name, flag, link.value(flag));
  return lines;
}

/// Without what a new link has from the default of all.
Lines without_defaults(const Lines& sysctls) {
  Lines lines;
  for (const std::string& line : sysctls) {
    static const std::regex link(R"(/conf/(?!all/)[^/]+/)");
    const std::string usual = std::regex_replace(line, link, "/conf/default/");
    const bool is_default = (usual != line && std::ranges::count(sysctls, usual) != 0) ||
                            line.ends_with("/proxy_delay = 80");
    if (!is_default) lines.push_back(line);
  }
  return lines;
}

Lines links_of(const Host& host) { return lines_of(host.ip("-d -o link show")); }

std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void record_links(const Host& host, const Lines& before, const std::string& folder) {
  std::string made, set, up;
  std::vector<Link> old;
  for (const std::string& line : before) old.emplace_back(line);
  for (const std::string& line : links_of(host)) {
    const Link link(line);
    const auto found = std::ranges::find(old, link.name, &Link::name);
    const bool is_new = found == old.end();
    if (is_new) made += creation(link);
    set += settings(link, is_new ? nullptr : &*found);
    if (link.is_up() && (is_new || !found->is_up()))
      up += fmt::format("link set {} up\n", link.name);
  }
  write_file(folder + "/links", made + set);
  write_file(folder + "/links-up", up);
}

/// dnsmasq's configurations, by the link that they are for.
std::string portable(const Host& host, std::string text) {
  static const std::regex name(R"(dnsmasq-[0-9a-f]{16}-(\d+)\.conf)");
  std::smatch match;
  while (std::regex_search(text, match, name)) {
    char link[IF_NAMESIZE] = {};
    host.inside([&] { if_indextoname(static_cast<unsigned>(std::stoul(match[1])), link); });
    text = match.prefix().str() + "@dnsmasq-" + link + "@" + match.suffix().str();
  }
  return replace(text, host.run_dir(), "@RUN@");
}

void record_files(const Host& host, const std::string& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(host.run_dir())) {
    const std::string path = entry.path().string().substr(host.run_dir().size());
    const std::string to = folder + "/run" + portable(host, path);
    if (entry.is_directory()) fs::create_directories(to);
    if (!entry.is_regular_file() || path.ends_with("/pid")) continue;
    fs::create_directories(fs::path(to).parent_path());
    write_file(to, portable(host, read_file(entry.path())));
  }
}

void record_processes(const Host& host, const std::string& folder) {
  std::string text;
  for (const pid_t pid : host.processes("dnsmasq"))
    text +=
        replace(read_file(fmt::format("/proc/{}/cmdline", pid)), std::string(1, '\0'), " ") + "\n";
  write_file(folder + "/processes", portable(host, text));
}

// --- and back

/// What stands for the name of a configuration, and that name here.
using Names = std::vector<std::pair<std::string, std::string>>;

std::string local(const Host& host, std::string text, const Names& names = {}) {
  for (const auto& [from, to] : names) text = replace(std::move(text), from, to);
  return replace(std::move(text), "@RUN@", host.run_dir());
}

Names restore_files(const Host& host, const std::string& folder) {
  Names names;
  const std::string root = folder + "/run";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::string path = entry.path().string().substr(root.size());
    if (entry.is_directory()) fs::create_directories(host.run_dir() + path);
    if (!entry.is_regular_file()) continue;
    const std::string text = local(host, read_file(entry.path()));
    if (const std::string link = group(path, "@dnsmasq-(.*)@"); !link.empty()) {
      const unsigned number = host.inside([&] { return if_nametoindex(link.c_str()); });
      const std::string name = fmt::format("dnsmasq-{:016x}-{}.conf", digest(text), number);
      const std::string folder_of_it = fs::path(path).parent_path().string() + "/";
      names.emplace_back(path, folder_of_it + name);
      path = folder_of_it + name;
    }
    fs::create_directories(fs::path(host.run_dir() + path).parent_path());
    write_file(host.run_dir() + path, text);
  }
  return names;
}

Lines with_mark(const std::string& text, const std::string& mark) {
  Lines lines;
  for (const std::string& line : lines_of(text))
    if (line.starts_with(mark)) lines.push_back(line.substr(mark.size()));
  return lines;
}

void restore_kernel(const Host& host, const std::string& folder) {
  const std::string rtnetlink = read_file(folder + "/rtnetlink");
  delete_rtnetlink(host, with_mark(rtnetlink, "- "));
  add_nftables(host, lines_of(read_file(folder + "/nftables")));
  host.ip_batch(read_file(folder + "/links"));
  for (const std::string& line : lines_of(read_file(folder + "/sysctls"))) {
    const auto words = words_of(line);
    host.sysctl(words.at(0), words.at(2));
  }
  host.ip_batch(read_file(folder + "/links-up"));
  add_rtnetlink(host, with_mark(rtnetlink, "+ "));
}

/// What was set from outside on dnsmasq's socket: its replies have no UDP checksum.
void leave_out_checksums(const Host& host) {
  for (const pid_t pid : host.processes("dnsmasq")) {
    const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    for (int number = 3; number < 64; ++number) {
      const Fd fd(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, 0)));
      sockaddr_in address{};
      socklen_t size = sizeof address;
      if (!fd || getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
      const int on = 1;
      if (address.sin_family == AF_INET && ntohs(address.sin_port) == 67)
        setsockopt(fd.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on);
    }
  }
}

}  // namespace

Before::Before(const Host& host)
    : host_(host),
      links_(links_of(host)),
      rtnetlink_(list_rtnetlink(host)),
      sysctls_(sysctls_of(host)) {}

void Before::record(const std::string& folder) const {
  eventually([&] { return host_.ip("-6 address show tentative").empty(); });
  fs::create_directories(folder);
  record_links(host_, links_, folder);
  const Lines after = list_rtnetlink(host_);
  std::string text;
  for (const std::string& line : added(after, rtnetlink_)) {
    // The addresses that a guest's link made for itself go with its IPv6.
    if (line.find("<tap-") == std::string::npos) text += "- " + line + "\n";
  }
  for (const std::string& line : added(rtnetlink_, after)) text += "+ " + line + "\n";
  write_file(folder + "/rtnetlink", text);
  auto tables = list_nftables(host_, kInet, "novaplane");
  std::ranges::copy(list_nftables(host_, kBridge, "novaplane"), std::back_inserter(tables));
  write_file(folder + "/nftables", text_of(tables));
  write_file(folder + "/sysctls", text_of(added(sysctls_, without_defaults(sysctls_of(host_)))));
  record_files(host_, folder);
  record_processes(host_, folder);
}

void restore(const Host& host, const std::string& folder) {
  restore_kernel(host, folder);
  const Names names = restore_files(host, folder);
  for (const std::string& line : lines_of(read_file(folder + "/processes"))) {
    const auto outcome = host.run(words_of(local(host, line, names)));
    if (!outcome.ok()) throw ProgramFailed(line + ": " + outcome.text());
  }
  leave_out_checksums(host);
}

}  // namespace novaplane::netns
