#include "dataplane/daemon/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <climits>
#include <filesystem>

#include "dataplane/cli/parse.h"

namespace novaplane::daemon {
namespace {

namespace po = boost::program_options;

constexpr int kWrongUsage = 64;  // EX_USAGE, sysexits.h
constexpr auto kUsualReplica = "/var/lib/novaplane/replica.db";
constexpr std::string_view kUsage =
    "usage: novaplaned --state FILE [--host NAME] [--run-dir DIR] [--log-level LEVEL]\n"
    "       novaplaned --store STORE [...]\n"
    "\n"
    "Keeps this host's network as the document says: watches the document and the kernel.\n"
    "\n"
    "  --state FILE       the document (cloud.yaml)\n"
    "  --store STORE      a cloud that `novaplane apply`, `set` and others change, in a database:\n"
    "                     sqlite:/var/lib/novaplane/cloud.db,\n"
    "                     etcd:https://n1:2379,https://n2:2379?cacert=FILE&cert=FILE&key=FILE\n"
    "  --replica FILE     keeps that cloud here for the time when the store is away, or \"none\"\n"
    "                     (default: /var/lib/novaplane/replica.db with etcd, else none)\n"
    "  --host NAME        this host's name in it (default: the host name)\n"
    "  --run-dir DIR      what the kernel cannot remember, and control.sock (default: "
    "/run/novaplane)\n"
    "  --log-level LEVEL  debug, info, warning or error (default: info)\n"
    "  --listen ADDRESS:PORT\n"
    "                     answers there over TLS, too; may be repeated: 192.0.2.11:8443, "
    "[::]:8443\n"
    "  --tls-cert FILE    its certificate (PEM), with those of authorities in between\n"
    "  --tls-key FILE     the key of it\n"
    "  --tls-client-ca FILE\n"
    "                     authorities of clients' certificates, which clients have to show\n"
    "  --help, --version\n";

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

/// The daemon may be asked about its document by one with another working directory.
std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

/// What --listen lacks; empty: nothing.
std::string missing_for(const TlsClients::Settings& tls) {
  const auto& [certificate, key, authorities] = tls.files;
  const bool has_all = !certificate.empty() && !key.empty() && !authorities.empty();
  const bool has_any = !certificate.empty() || !key.empty() || !authorities.empty();
  if (!tls.addresses.empty() && !has_all) {
    return "--listen needs --tls-cert, --tls-key and --tls-client-ca";
  }
  return tls.addresses.empty() && has_any
             ? "--tls-cert, --tls-key and --tls-client-ca need --listen"
             : "";
}

/// A mistake in what is listened at, or for what; empty: none.
std::string mistake_in(TlsClients::Settings& tls, const std::vector<std::string>& addresses) {
  for (const std::string& text : addresses) {
    const auto address = ListenAddress::parse(text);
    if (!address) {
      return fmt::format("--listen {}: say ADDRESS:PORT, as 192.0.2.11:8443 or [::]:8443", text);
    }
    tls.addresses.push_back(*address);
  }
  for (std::string* file : {&tls.files.certificate, &tls.files.key, &tls.files.authorities}) {
    if (!file->empty()) *file = absolute(*file);
  }
  return missing_for(tls);
}

Usage wrong(const std::string& why) {
  return {fmt::format("novaplaned: {}\n{}", why, kUsage), kWrongUsage};
}

/// A file's revisions begin anew with each daemon, so that nothing could be followed from there.
/// Returns what is wrong; empty: nothing.
std::string choose_replica(Options& options) {
  constexpr std::string_view kSqlite = "sqlite:", kEtcd = "etcd:";
  const bool is_default = options.replica.empty();
  if (is_default && options.store.starts_with(kEtcd)) options.replica = kUsualReplica;
  if (options.replica == "none") options.replica.clear();
  if (options.replica.empty()) return {};
  const bool can_have_one = options.store.starts_with(kEtcd) || options.store.starts_with(kSqlite);
  if (!can_have_one) return "--replica is for a store that may be away: etcd, sqlite";
  options.replica = absolute(options.replica);
  return {};
}

}  // namespace

std::variant<Options, Usage> parse_options(const std::vector<std::string>& words) {
  Options options;
  options.host = host_name();
  std::string level = "info";
  std::vector<std::string> addresses;  // of --listen
  bool help = false, version = false;
  po::options_description described;
  described.add_options()  //
      ("state", po::value(&options.document))("store", po::value(&options.store))(
          "replica", po::value(&options.replica))("host", po::value(&options.host))(
          "run-dir", po::value(&options.run_dir))("log-level", po::value(&level))(
          "listen", po::value(&addresses))("tls-cert", po::value(&options.tls.files.certificate))(
          "tls-key", po::value(&options.tls.files.key))("tls-client-ca",
                                                        po::value(&options.tls.files.authorities))(
          "help", po::bool_switch(&help))("version", po::bool_switch(&version));
  const auto others = cli::parse(words, described);
  if (!others) return wrong(others.error());
  if (help) return Usage{std::string(kUsage), 0};
  if (version) return Usage{"novaplaned " NOVAPLANE_VERSION "\n", 0};
  if (!others->empty()) {
    return wrong(fmt::format("do not know what to do with {}", others->front()));
  }
  const auto log_level = log::parse_level(level);
  if (!log_level) return wrong(fmt::format("no log level {}", level));
  if (options.document.empty() == options.store.empty()) {
    return wrong(options.store.empty() ? "--state or --store is missing"
                                       : "--state and --store exclude each other");
  }
  if (auto mistake = mistake_in(options.tls, addresses); !mistake.empty()) return wrong(mistake);
  if (auto why = choose_replica(options); !why.empty()) return wrong(why);
  options.log_level = *log_level;
  if (options.store.empty()) options.document = absolute(options.document);
  options.run_dir = absolute(options.run_dir);
  return options;
}

}  // namespace novaplane::daemon
