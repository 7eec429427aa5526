#pragma once

#include <string>
#include <vector>

namespace novaplane::tools {

/// Columns of text, as wide as their widest cell. Prints as
///
///     NAME  BRIDGE  MTU
///     blue  br100   1450
///
/// An empty cell prints as "-", so that the columns can be told apart by eye and by awk.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}

  void add(std::vector<std::string> cells);  ///< as many as there are titles
  bool empty() const { return rows_.empty(); }

  /// Lines that end in newlines, without blanks at their ends. The two styles are put around the
  /// line of titles.
  std::string text(const std::string& style_on = {}, const std::string& style_off = {}) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace novaplane::tools
