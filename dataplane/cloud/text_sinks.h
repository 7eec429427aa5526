#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/cloud/events.h"

/// Text of what a Writer tells.
namespace novaplane::cloud {

/// JSON without white space.
class JsonText {
 public:
  void on(const Event& event);
  std::string take() { return std::move(text_); }

 private:
  struct Level {
    bool is_map = false;
    std::size_t scalars_and_nodes = 0;  ///< keys count as well
  };
  void separate();

  std::string text_;
  std::vector<Level> levels_;
};

/// YAML in blocks, two spaces a level; lists of single values in brackets.
class YamlText {
 public:
  void on(const Event& event);
  std::string take();

 private:
  struct Level {
    bool is_map = false;
    bool is_empty = true;
    bool is_flow = false;
    bool awaits_key = false;
    bool continues_line = false;  ///< what comes first stands behind "-"
    std::size_t indent = 0;
  };
  void open(const Event& event);
  void close();
  void on_key(Level& level, const Event& event);
  void on_scalar(const Event& event);
  void begin_line(Level& level);

  std::string text_;
  std::vector<Level> levels_;
};

/// In double quotes, as JSON and YAML both read it.
std::string quoted(std::string_view text);

}  // namespace novaplane::cloud
