#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/base/unix_address.h"
#include "tests/support/deadline.h"
#include "tools/command.h"
#include "tools/control.h"
#include "tools/options.h"

namespace novaplane::tools {

/// What a daemon's answer to one request is.
struct ScriptedAnswer {
  unsigned status = 200;
  std::string body = {};
  std::string headers = {};  ///< "ETag: \"7\"\r\n"
  /// Answers in its own way, whatever is asked.
  std::function<void(const Fd& client)> by_hand = {};
};

inline void send_all(const Fd& client, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const auto now = ::send(client.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

/// Answers at a control socket as scripted, one request after the other, and remembers them.
class ScriptedDaemon {
 public:
  explicit ScriptedDaemon(const std::string& run_dir) {
    const auto address = unix_address(control_socket(run_dir));
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), address->get(), address->size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedDaemon(const ScriptedDaemon&) = delete;
  ~ScriptedDaemon() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  /// Instead of a script.
  using Handler = std::function<ScriptedAnswer(const std::string& head, const std::string& body)>;
  void answer_all(Handler handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void answer(ScriptedAnswer answer) {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::move(answer));
  }
  /// As "POST /v1/ports {...}", with headers that a test asks about.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string head_of(std::size_t request) {
    const std::lock_guard lock(mutex_);
    return heads_.at(request);
  }

 private:
  void serve() {
    for (;;) {
      const Fd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client) return;
      if (auto by_hand = next_by_hand()) {
        by_hand(client);
        continue;
      }
      const auto [head, body] = read(client);
      const ScriptedAnswer answer = next(head, body);
      const bool has_length = answer.headers.find("Content-Length") == std::string::npos;
      const std::string length = has_length && answer.status != 204
                                     ? fmt::format("Content-Length: {}\r\n", answer.body.size())
                                     : "";
      send_all(client, fmt::format("HTTP/1.1 {} Told\r\n{}{}\r\n{}", answer.status, answer.headers,
                                   length, answer.body));
    }
  }

  std::function<void(const Fd&)> next_by_hand() {
    const std::lock_guard lock(mutex_);
    if (script_.empty() || !script_.front().by_hand) return {};
    auto by_hand = std::move(script_.front().by_hand);
    script_.erase(script_.begin());
    return by_hand;
  }

  static std::pair<std::string, std::string> read(const Fd& client) {
    std::string text;
    for (;;) {
      const auto end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        const auto at = text.find("Content-Length: ");
        const std::size_t size = at < end ? std::strtoul(text.c_str() + at + 16, nullptr, 10) : 0;
        if (text.size() >= end + 4 + size) return {text.substr(0, end), text.substr(end + 4)};
      }
      char buffer[4096];
      pollfd asked{client.get(), POLLIN, 0};
      if (::poll(&asked, 1, static_cast<int>(test::kHangs.count())) != 1) return {text, ""};
      const auto got = ::read(client.get(), buffer, sizeof(buffer));
      if (got <= 0) return {text, ""};
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }

  ScriptedAnswer next(const std::string& head, const std::string& body) {
    const std::lock_guard lock(mutex_);
    const std::string line = head.substr(0, head.find(" HTTP/"));
    requests_.push_back(body.empty() ? line : line + " " + body);
    heads_.push_back(head);
    if (handler_) return handler_(head, body);
    if (script_.empty()) return {599, "the script of the test has no answer"};
    ScriptedAnswer answer = std::move(script_.front());
    script_.erase(script_.begin());
    return answer;
  }

  Fd listener_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<ScriptedAnswer> script_;
  Handler handler_;
  std::vector<std::string> requests_, heads_;
};

/// Commands beside such a daemon.
class CloudCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the daemon of another user is not asked";
    std::string folder = std::filesystem::temp_directory_path() / "novaplane-cloud-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    daemon_ = std::make_unique<ScriptedDaemon>(folder_);
  }
  void TearDown() override {
    daemon_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void answers(ScriptedAnswer answer) { daemon_->answer(std::move(answer)); }
  /// An answer of RFC 9457.
  void refuses(unsigned status, const std::string& problem, const std::string& headers = {}) {
    answers({status, problem, "Content-Type: application/problem+json\r\n" + headers});
  }

  struct Told {
    int status = 0;
    std::string out, err;
  };
  Told typed(std::vector<std::string> words) {
    words.push_back("--run-dir=" + folder_);
    const auto options = parse(words);
    if (!options) return {kUsage, "", options.error()};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Told told;
    told.status = run(*options);
    std::fflush(stdout);
    told.out = testing::internal::GetCapturedStdout();
    told.err = testing::internal::GetCapturedStderr();
    return told;
  }
  std::string written(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::FILE* file = std::fopen(path.c_str(), "w");
    std::fputs(text.c_str(), file);
    std::fclose(file);
    return path;
  }
  std::vector<std::string> requests() { return daemon_->requests(); }

  std::string folder_;
  std::unique_ptr<ScriptedDaemon> daemon_;
};

}  // namespace novaplane::tools
