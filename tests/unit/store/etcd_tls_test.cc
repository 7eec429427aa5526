#ifdef NOVAPLANE_HAS_ETCD

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/store/etcd_maker.h"

/// TLS both ways: who the member is, by its certificate's names, and who we are.
namespace novaplane::store::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A certificate authority of the test's own.
class Authority {
 public:
  Authority(const std::string& folder, const std::string& name) : path_(folder + "/" + name) {
    openssl(fmt::format("req -x509 {} -keyout {}.key -out {} -subj /CN={} -days 1", kNewKey, path_,
                        certificate(), name));
  }
  std::string certificate() const { return path_ + ".pem"; }

  struct Pair {
    std::string cert, key;
  };
  /// `names`: "DNS:localhost,IP:127.0.0.1"
  Pair issue(const std::string& subject, const std::string& names) const {
    const std::string base = path_ + "-" + subject;
    std::ofstream(base + ".ext") << "subjectAltName=" << names << "\n";
    openssl(fmt::format("req -new {} -keyout {}.key -out {}.csr -subj /CN={}", kNewKey, base, base,
                        subject));
    openssl(
        fmt::format("x509 -req -in {0}.csr -CA {1} -CAkey {2}.key -CAcreateserial -out {0}.pem "
                    "-days 1 -extfile {0}.ext",
                    base, certificate(), path_));
    return {base + ".pem", base + ".key"};
  }

 private:
  static constexpr const char* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  static void openssl(const std::string& words) {
    const std::string command = "openssl " + words + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  std::string path_;
};

class EtcdTlsTest : public testing::Test {
 protected:
  EtcdTlsTest() {
    enter_namespace_of_etcd();
    server_ = std::make_unique<novaplane::test::EtcdServer>(novaplane::test::EtcdServer::Settings{
        .flags = {"--cert-file", server_pair_.cert, "--key-file", server_pair_.key,
                  "--client-cert-auth", "--trusted-ca-file", ours_.certificate()},
        .scheme = "https",
        .folder = folder_.path});
  }
  std::string words(const std::string& host, const Authority& authority,
                    const std::optional<Authority::Pair>& pair) const {
    std::string words = fmt::format("https://{}:2379?cacert={}", host, authority.certificate());
    if (pair) words += fmt::format("&cert={}&key={}", pair->cert, pair->key);
    return words;
  }
  /// The member runs, so that what fails is the certificate.
  std::string refusal(const std::string& words) const {
    EXPECT_TRUE(open_etcd(words_of_ours()));
    const auto head = open_store("etcd:" + words).value()->head();
    EXPECT_FALSE(head);
    return head ? "" : head.error().words;
  }
  std::string words_of_ours() const { return words("localhost", ours_, client_pair_); }

  struct Folder {
    Folder() { path = ::mkdtemp(path.data()); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = "/dev/shm/np-tls-XXXXXX";
  } folder_;
  Authority ours_{folder_.path, "ours"}, other_{folder_.path, "other"};
  Authority::Pair server_pair_ = ours_.issue("n1", "DNS:localhost");
  Authority::Pair client_pair_ = ours_.issue("h1", "DNS:h1");
  std::unique_ptr<novaplane::test::EtcdServer> server_;
};

TEST_F(EtcdTlsTest, BothKnowEachOther) {
  const auto store = open_etcd(words_of_ours());
  ASSERT_TRUE(store);
  const auto answer = store->commit({0, {.id = "a", .writes = {{{"ports", "web"}, "{}"}}}});
  EXPECT_TRUE(std::holds_alternative<Committed>(answer)) << answer.index();
  EXPECT_EQ(store->load()->records.size(), 1u);
}

TEST_F(EtcdTlsTest, AMemberOfAnotherAuthorityIsNotBelieved) {
  EXPECT_THAT(refusal(words("localhost", other_, client_pair_)),
              HasSubstr("certificate verify failed"));
}

TEST_F(EtcdTlsTest, AMemberWithAnotherNameIsNotBelieved) {
  EXPECT_THAT(refusal(words("127.0.0.1", ours_, client_pair_)),
              HasSubstr("is not in peer certificate"));
}

TEST_F(EtcdTlsTest, WhoHasNoCertificateOfTheirsIsNotLetIn) {
  EXPECT_NE(refusal(words("localhost", ours_, std::nullopt)), "");
  EXPECT_NE(refusal(words("localhost", ours_, other_.issue("h2", "DNS:h2"))), "");
}

TEST_F(EtcdTlsTest, RenewedCertificatesAreTaken) {
  const std::string wrong = words("localhost", ours_, other_.issue("h1", "DNS:h1"));
  EXPECT_NE(refusal(wrong), "");
  const auto store = open_store("etcd:" + wrong).value();
  EXPECT_FALSE(store->head());
  for (const char* suffix : {".pem", ".key"}) {
    std::filesystem::copy_file(folder_.path + "/ours-h1" + suffix,
                               folder_.path + "/other-h1" + suffix,
                               std::filesystem::copy_options::overwrite_existing);
  }
  const auto end = Clock::now() + novaplane::test::kHangs;
  while (!store->head() && Clock::now() < end) (void)store->wait(0, Clock::now() + 100ms);
  EXPECT_TRUE(store->head());
}

TEST_F(EtcdTlsTest, FilesThatAreNoCertificatesAreRefused) {
  EXPECT_NE(refusal(fmt::format("https://localhost:2379?cacert={}", server_->folder() + "/n1.log")),
            "");
}

}  // namespace
}  // namespace novaplane::store::test

#endif
