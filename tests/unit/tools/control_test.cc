#include "tools/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/unit/tools/scripted_daemon.h"

namespace novaplane::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ControlClientTest : public CloudCommandTest {
 protected:
  /// 10 MiB, more than Beast reads or a socket holds by itself.
  const std::string large_ = std::string(10 << 20, 'x');
};

TEST_F(ControlClientTest, TellsStatusAndHeaders) {
  answers({201, "{}",
           "ETag: \"7\"\r\nLocation: /v1/ports/a\r\nRetry-After: 2\r\nContent-Type: a/b\r\n"});
  const auto response = exchange(folder_, {"PUT", "/v1/ports/a", "{}", "application/json", {}});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 201U);
  EXPECT_EQ(response->body, "{}");
  EXPECT_EQ(response->etag, "\"7\"");
  EXPECT_EQ(response->location, "/v1/ports/a");
  EXPECT_EQ(response->retry_after, "2");
  EXPECT_EQ(response->type, "a/b");
}

TEST_F(ControlClientTest, CarriesLargeBodiesBothWays) {
  answers({200, large_});
  const auto response = exchange(folder_, {"POST", "/v1/apply", large_, "application/yaml", {}});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body.size(), large_.size());
  EXPECT_EQ(requests().front().size(), std::string("POST /v1/apply ").size() + large_.size());
}

TEST_F(ControlClientTest, GivesEachPartAsItComes) {
  std::promise<void> has_first;
  answers({.by_hand = [&](const Fd& client) {
    send_all(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n");
    has_first.get_future().wait_for(test::kHangs);
    send_all(client, "7\r\nsecond\n\r\n0\r\n\r\n");
  }});
  std::vector<std::string> parts;
  const auto response = exchange(folder_, {"GET", "/v1/watch"}, [&](std::string_view data) {
    if (data.empty()) return;
    parts.emplace_back(data);
    if (parts.size() == 1) has_first.set_value();
  });
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_THAT(parts, ElementsAre("first\n", "second\n"));
}

TEST_F(ControlClientTest, TellsThatAStreamBreaks) {
  answers({.by_hand = [](const Fd& client) {
    send_all(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n");
  }});
  std::string data;
  const auto response =
      exchange(folder_, {"GET", "/v1/watch"}, [&](std::string_view part) { data += part; });
  EXPECT_FALSE(response);
  EXPECT_EQ(data, "first\n");
}

TEST_F(ControlClientTest, HasTheAnswerOfOneWhoDoesNotReadABody) {
  answers({.by_hand = [](const Fd& client) {
    send_all(client, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!");
  }});
  const auto response = exchange(folder_, {"POST", "/v1/apply", large_, "application/yaml", {}});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 413U);
  EXPECT_EQ(response->body, "no!");
}

TEST_F(ControlClientTest, TakesNoStatusButOneForADaemonsOwnAnswers) {
  answers({200, "yes"});
  answers({404, "what?"});
  EXPECT_EQ(ask_daemon(folder_, "POST", "/pass").value(), "yes");
  EXPECT_THAT(ask_daemon(folder_, "POST", "/psas").error().message(), HasSubstr("404 what?"));
}

}  // namespace
}  // namespace novaplane::tools
