#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "tests/netns/cloud_test.h"

/// Certificates as openssl(1) makes them.
namespace novaplane::netns {

struct Certificate {
  std::string file, key;
};

/// An authority, and what it has issued, in a folder.
class Authority {
 public:
  Authority(std::string folder, const std::string& name) : folder_(std::move(folder)), name_(name) {
    openssl(fmt::format("req -x509 {} -keyout {} -out {} -days 30 -subj /CN={}", kNewKey,
                        path("key"), path("pem"), name));
  }

  std::string file() const { return path("pem"); }
  /// `subject`: "/O=novaplane/CN=alice"; `days`: below 0: it has expired. `extensions`: as in
  /// "subjectAltName=IP:192.0.2.11"
  Certificate issue(const std::string& name, const std::string& subject,
                    const std::string& extensions = "extendedKeyUsage=clientAuth",
                    int days = 30) const {
    const std::string base = folder_ + "/" + name;
    write_file(base + ".ext", extensions + "\n");
    openssl(
        fmt::format("req {} -keyout {}.key -out {}.csr -subj {}", kNewKey, base, base, subject));
    openssl(
        fmt::format("x509 -req -in {}.csr -CA {} -CAkey {} -CAcreateserial -days {} -extfile "
                    "{}.ext -out {}.pem",
                    base, path("pem"), path("key"), days, base, base));
    return {base + ".pem", base + ".key"};
  }

 private:
  static constexpr std::string_view kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

  std::string path(const std::string& what) const { return folder_ + "/" + name_ + "." + what; }
  static void openssl(const std::string& words) {
    const auto done = run({.argv = words_of("openssl " + words)});
    if (!done.ok()) throw ProgramFailed("openssl " + words + ": " + done.text());
  }

  std::string folder_, name_;
};

}  // namespace novaplane::netns
