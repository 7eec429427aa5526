#include "tools/table.h"

#include <algorithm>

#include "dataplane/base/printable.h"

namespace novaplane::tools {
namespace {

using Cells = std::vector<std::string>;

constexpr std::size_t kGap = 2;

/// What a terminal shows: bytes that continue a UTF-8 character take no column.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void widen(std::vector<std::size_t>& widths, const Cells& cells) {
  for (std::size_t i = 0; i < widths.size(); ++i) {
    widths[i] = std::max(widths[i], width_of(cells[i]));
  }
}

std::string line_of(const Cells& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - width_of(cells[i]) + kGap, ' ');
  }
  return line;
}

}  // namespace

void Table::add(Cells cells) {
  cells.resize(titles_.size());
  for (std::string& cell : cells) {
    cell = cell.empty() ? "-" : printable(cell);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text(const std::string& style_on, const std::string& style_off) const {
  std::vector<std::size_t> widths(titles_.size());
  widen(widths, titles_);
  for (const Cells& row : rows_) widen(widths, row);
  std::string text = style_on + line_of(titles_, widths) + style_off + "\n";
  for (const Cells& row : rows_) text += line_of(row, widths) + "\n";
  return text;
}

}  // namespace novaplane::tools
