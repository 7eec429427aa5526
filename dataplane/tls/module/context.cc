#include "dataplane/tls/module/context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace novaplane::tls {
namespace {

/// What holds for both ends.
SharedContext fresh(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  // A key with a password would be asked for at the terminal.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; });
  return context;
}

Result<void> done(const error_code& error, const char* what, const std::string& file) {
  if (!error) return {};
  return failure(std::string("use ") + what + ' ' + file, words_of(error));
}

Result<void> use_own(ssl::context& context, const Files& files) {
  error_code error;
  context.use_certificate_chain_file(files.certificate, error);
  if (auto used = done(error, "the certificate", files.certificate); !used) return used;
  context.use_private_key_file(files.key, ssl::context::pem, error);
  return done(error, "the key", files.key);
}

Result<void> use_authorities(ssl::context& context, const std::string& file) {
  error_code error;
  context.load_verify_file(file, error);
  return done(error, "the authorities", file);
}

std::vector<std::string> entries_of(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    unsigned char* text = nullptr;
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    const int size = ASN1_STRING_to_UTF8(&text, value);
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace

std::string words_of(const error_code& error) {
  if (error.category() == boost::system::system_category() ||
      error.category() == asio::error::get_ssl_category()) {
    return error.message();
  }
  return error == ssl::error::stream_truncated ? "the other end has gone" : error.message();
}

std::string words_of(const error_code& error, const SSL* connection) {
  const long verified = SSL_get_verify_result(connection);
  if (verified == X509_V_OK) return words_of(error);
  return words_of(error) + ": " + X509_verify_cert_error_string(verified);
}

Result<SharedContext> server_context(const Files& files) {
  auto context = fresh(ssl::context::tls_server);
  if (auto used = use_own(*context, files); !used) return tl::unexpected(used.error());
  if (auto used = use_authorities(*context, files.authorities); !used) {
    return tl::unexpected(used.error());
  }
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  // Clients with several certificates choose one by these names.
  SSL_CTX_set_client_CA_list(context->native_handle(),
                             SSL_load_client_CA_file(files.authorities.c_str()));
  return context;
}

Result<SharedContext> client_context(const Files& files) {
  auto context = fresh(ssl::context::tls_client);
  if (!files.certificate.empty()) {
    if (auto used = use_own(*context, files); !used) return tl::unexpected(used.error());
  }
  if (files.authorities.empty()) {
    context->set_default_verify_paths();
  } else if (auto used = use_authorities(*context, files.authorities); !used) {
    return tl::unexpected(used.error());
  }
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

Subject subject_of(SSL* connection) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      SSL_get1_peer_certificate(connection), X509_free);
  if (!certificate) return {};
  const X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto names = entries_of(name, NID_commonName);
  return {names.empty() ? "" : names.front(), entries_of(name, NID_organizationName), {}};
}

}  // namespace novaplane::tls
