#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "dataplane/api/api.h"
#include "dataplane/store/sqlite_store.h"

namespace novaplane::api::test {

using Json = nlohmann::ordered_json;

inline Json json_of(const Reply& reply) { return Json::parse(reply.body, nullptr, false); }
inline std::string header(const Reply& reply, const std::string& name) {
  const auto found = std::ranges::find(reply.headers, name, [](const auto& h) { return h.first; });
  return found != reply.headers.end() ? found->second : "";
}

/// "422 missing ports.web1.mac: is missing" and so on, one a line; the detail where there are no
/// findings. Also checks that the reply is what RFC 9457 has.
inline std::string told(const Reply& reply) {
  std::string text = std::to_string(reply.status);
  if (reply.status < 400) return text;
  const Json problem = json_of(reply);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_EQ(problem.value("type", ""), "about:blank");
  EXPECT_EQ(problem.value("status", 0u), reply.status);
  EXPECT_NE(problem.value("title", ""), "");
  EXPECT_NE(problem.value("title", ""), "Error");
  EXPECT_NE(problem.value("detail", ""), "");
  if (!problem.contains("findings")) return text + ' ' + problem.value("detail", "");
  for (const Json& found : problem["findings"]) {
    text += fmt::format(" {} {}: {}", found.value("kind", ""), found.value("path", ""),
                        found.value("text", ""));
  }
  return text;
}

/// One client of one host. The host is there already.
class Asked {
 public:
  Asked(store::Store& store, store::Copy& copy, store::Follower& follower,
        store::Committer& committer)
      : api(store, copy, follower, committer) {}

  Reply operator()(Request request) {
    request.by = "root@h1";
    return api.handle(request, {"h1", "0.1.0", 7});
  }
  Reply operator()(const std::string& method, const std::string& target,
                   const std::string& body = {}) {
    return (*this)(Request{.method = method, .target = target, .body = body});
  }

  Api api;
};

/// A cloud in a database, with a host, two networks and a port.
class ApiTest : public testing::Test {
 protected:
  static constexpr auto kDocument = R"(hosts:
  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}
  h2: {vm_interface: eth1}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
  green: {cidr: 10.0.1.0/29, gateway: 10.0.1.1, segment: {vlan: 101}}
ports:
  web1: {network: blue, host: h1, mac: fa:16:3e:00:00:01, address: 10.0.0.11, interface: tap1}
)";

  /// One program that has the store open.
  struct Host {
    explicit Host(const std::string& path) : store(store::SqliteStore::open(path).value()) {}
    std::unique_ptr<store::SqliteStore> store;
    store::Copy copy;
    store::Follower follower{*store, copy};
    store::Committer committer{*store, copy, follower};
    Asked ask{*store, copy, follower, committer};
  };

  ApiTest() : folder_(make_folder()), host(path("cloud.db")) {
    EXPECT_EQ(ask("POST", "/v1/apply", kDocument).status, 200u);
  }
  ~ApiTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + '/' + name; }
  Reply ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    return host.ask(method, target, body);
  }
  store::Revision revision() const { return host.copy.revision(); }

 private:
  static std::string make_folder() {
    std::string path = "/tmp/np-api-XXXXXX";
    return ::mkdtemp(path.data());
  }
  std::string folder_;

 protected:
  Host host;
};

}  // namespace novaplane::api::test
