#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/cloud/document.h"

namespace novaplane::cloud::test {

/// "7:3 missing: ports.web.mac: is missing" for each mistake of the document.
inline std::vector<std::string> mistakes(const std::string& document) {
  std::vector<std::string> found;
  const auto cloud = parse(document, "cloud.yaml");
  if (cloud) return found;
  for (const Mistake& mistake : cloud.error()) {
    found.push_back(
        fmt::format("{}:{} {}: {}", mistake.line, mistake.column, mistake.kind, mistake.text));
  }
  return found;
}

/// Five lines, within the networks: what a test adds begins at line 6.
constexpr auto kBeginning = R"(hosts:
  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1, source: 192.0.2.11}]}
  h2: {}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
)";

/// One wrong document and all that is wrong with it.
struct Case {
  const char* name;
  std::string document;
  std::vector<std::string> mistakes;
};

inline void expect_mistakes(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(mistakes(c.document), c.mistakes);
  }
}

}  // namespace novaplane::cloud::test
