#include <syslog.h>

#include <cstdio>

#include "dataplane/base/descriptor_limit.h"
#include "dataplane/base/exception.h"
#include "dataplane/base/files.h"
#include "metadata/proxy/options.h"
#include "metadata/proxy/proxy.h"
#include "metadata/proxy/service.h"

namespace {

using namespace novaplane;
using namespace novaplane::metadata;

/// Returns when it has been told to end.
Result<void> run(const Options& options) {
  const auto text = read_whole(options.config);
  if (!text) return tl::unexpected(text.error());
  const auto settings = settings_in(*text);
  if (!settings) return failure(options.config, settings.error().code, settings.error().message());
  const auto secret = read_secret(settings->secret_file);
  if (!secret) return tl::unexpected(secret.error());
  if (options.check) return {};
  auto file = GuestsFile::open(options.config.substr(0, options.config.rfind('/')));
  if (!file) return tl::unexpected(file.error());
  auto guests = file->read();
  if (!guests) return tl::unexpected(guests.error());
  auto listener = listen_at(settings->listen);
  if (!listener) return tl::unexpected(listener.error());
  if (auto done = become_nobody(); !done) return done;
  if (auto done = go_on_alone(); !done) return done;
  ::openlog("novaplane-metadata", LOG_PID, LOG_DAEMON);
  run_proxy(std::move(*listener), *settings, *secret, std::move(*file), std::move(*guests));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_options({argv + 1, argv + argc});
  if (const auto* usage = std::get_if<Usage>(&parsed)) {
    std::fputs(usage->text.c_str(), usage->status == 0 ? stdout : stderr);
    return usage->status;
  }
  raise_descriptor_limit();
  try {
    const auto served = run(std::get<Options>(parsed));
    if (served) return 0;
    std::fprintf(stderr, "%s\n", served.error().message().c_str());
  } catch (...) {
    std::fprintf(stderr, "%s\n", error_of_exception("serve metadata").message().c_str());
  }
  return 1;
}
