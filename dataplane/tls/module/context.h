#pragma once

#include <memory>

#include "dataplane/tls/module/asio.h"
#include "dataplane/tls/tls.h"

namespace novaplane::tls {

using SharedContext = std::shared_ptr<ssl::context>;

/// For who takes clients: each has to show a certificate for clients (RFC 5280, 4.2.1.12). An error
/// names the file.
Result<SharedContext> server_context(const Files& files);
/// For who connects.
Result<SharedContext> client_context(const Files& files);

/// Of the certificate that the other end has shown.
Subject subject_of(SSL* connection);

/// OpenSSL's words, or the system's.
std::string words_of(const error_code& error);
/// The same of a handshake, with what is wrong with the other end's certificate.
std::string words_of(const error_code& error, const SSL* connection);

}  // namespace novaplane::tls
