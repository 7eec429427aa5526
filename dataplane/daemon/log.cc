#include "dataplane/daemon/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "dataplane/base/printable.h"

namespace novaplane::daemon::log {
namespace {

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// "<4>": the syslog priority of a line (RFC 5424, 6.2.1).
class Priority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const char digit = message.level == spdlog::level::debug  ? '7'
                       : message.level == spdlog::level::info ? '6'
                       : message.level == spdlog::level::warn ? '4'
                                                              : '3';
    for (const char c : {'<', digit, '>'}) line.push_back(c);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }
};

}  // namespace

std::optional<Level> parse_level(std::string_view name) {
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warning") return Level::warning;
  if (name == "error") return Level::error;
  return std::nullopt;
}

void start(Level least) {
  std::shared_ptr<spdlog::logger> logger;
  if (::isatty(STDERR_FILENO) == 1) {
    logger = spdlog::stderr_color_mt("novaplaned");
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  } else {
    logger = spdlog::stderr_logger_mt("novaplaned");
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<Priority>('P').set_pattern("%P%v");
    logger->set_formatter(std::move(formatter));
  }
  logger->set_level(level_of(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

bool is_enabled(Level level) { return spdlog::default_logger_raw()->should_log(level_of(level)); }

void write(Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(level_of(level), printable(line));
}

}  // namespace novaplane::daemon::log
