#pragma once

#include <string>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"
#include "metadata/guests.h"
#include "metadata/settings.h"

/// How the proxy comes to run: what needs root is done first, then it is nobody.
namespace novaplane::metadata {

/// The folder of the configuration, held open: later no path may lead to it any more.
class GuestsFile {
 public:
  static Result<GuestsFile> open(const std::string& folder);
  Result<Guests> read() const;

 private:
  explicit GuestsFile(Fd folder) : folder_(std::move(folder)) {}
  Fd folder_;
};

/// Without white space at its end. An empty one is an error.
Result<std::string> read_secret(const std::string& path);

/// A socket that listens at the address.
Result<Fd> listen_at(const cloud::SocketAddress& where);

/// Goes on in a process of its own that nobody waits for; the one that was started ends well.
Result<void> go_on_alone();

/// Becomes kProxyUser, with nothing but the capability that shows that root had started it
/// (CAP_NET_BIND_SERVICE, permitted and not in effect; base/identity.h).
Result<void> become_nobody();

}  // namespace novaplane::metadata
