#include "dataplane/cloud/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <new>

/// The only file that knows libyaml.
namespace novaplane::cloud {
namespace {

constexpr std::size_t kDeepest = 500;  ///< levels of nesting
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view text_of(const yaml_char_t* value, std::size_t length) {
  return {reinterpret_cast<const char*>(value), length};
}
std::string_view text_of(const char* words) { return words ? words : std::string_view(); }

/// Places of libyaml's marks, which count characters and take more for the end of a line than
/// editors do (YAML 1.1: CR, NEL, LS, PS). Columns are bytes here.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    const auto differs = [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '\r'; };
    is_plain_ = std::none_of(text.begin(), text.end(), differs);
  }

  Place of(const yaml_mark_t& mark) {
    if (is_plain_) return place(mark.line, mark.column);
    if (mark.index < index_) offset_ = index_ = line_ = line_begin_ = 0;
    while (index_ < mark.index && offset_ < text_.size()) step();
    return place(line_, offset_ - line_begin_);
  }
  Place at_byte(std::size_t offset) {
    offset_ = index_ = line_ = line_begin_ = 0;
    while (offset_ < std::min(offset, text_.size())) step();
    return place(line_, offset_ - line_begin_);
  }
  /// What stands at the mark; 0: the end of the text.
  char character(const yaml_mark_t& mark) {
    if (is_plain_) return mark.index < text_.size() ? text_[mark.index] : '\0';
    of(mark);
    return offset_ < text_.size() ? text_[offset_] : '\0';
  }

 private:
  static Place place(std::size_t line, std::size_t column) {
    return {static_cast<int>(line) + 1, static_cast<int>(column) + 1};
  }
  /// To the next character; the text is UTF-8.
  void step() {
    const char c = text_[offset_++];
    while (offset_ < text_.size() && (text_[offset_] & 0xc0) == 0x80) ++offset_;
    ++index_;
    if (c != '\n') return;
    ++line_;
    line_begin_ = offset_;
  }

  std::string_view text_;
  bool is_plain_ = true;
  std::size_t offset_ = 0, index_ = 0, line_ = 0, line_begin_ = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Parser(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  yaml_parser_t* get() { return &parser_; }

 private:
  yaml_parser_t parser_;
};

struct ParsedEvent : yaml_event_t {
  ParsedEvent() : yaml_event_t{} {}
  ParsedEvent(const ParsedEvent&) = delete;
  ~ParsedEvent() { yaml_event_delete(this); }
};

/// YAML 1.1's null, as core schema of 1.2 has it.
bool is_null(std::string_view plain) {
  return plain.empty() || plain == "~" || plain == "null" || plain == "Null" || plain == "NULL";
}

/// Passes events on until the first fault.
class Reading {
 public:
  Reading(std::string_view text, const EventSink& sink)
      : sink_(sink), places_(text), parser_(text) {}

  std::optional<Finding> read() {
    for (bool ended = false; !ended && !fault_;) {
      ParsedEvent event;
      if (yaml_parser_parse(parser_.get(), &event) == 0) return syntax();
      ended = event.type == YAML_STREAM_END_EVENT;
      on(event);
    }
    if (!fault_ && values_ == 0) {
      return Finding{{}, "empty-document", "the document is empty", {1, 1}, false};
    }
    return std::move(fault_);
  }

 private:
  void on(const ParsedEvent& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (++documents_ > 1) refuse(event, "several-documents", "a second document begins here");
        break;
      case YAML_ALIAS_EVENT:
        refuse(event, "alias", "aliases are not supported: write the value out");
        break;
      case YAML_SCALAR_EVENT:
        on_scalar(event);
        break;
      case YAML_SEQUENCE_START_EVENT:
        check(event, event.data.sequence_start.anchor, event.data.sequence_start.tag);
        open(event, Event::Kind::open_list);
        break;
      case YAML_MAPPING_START_EVENT:
        check(event, event.data.mapping_start.anchor, event.data.mapping_start.tag);
        open(event, Event::Kind::open_map);
        break;
      case YAML_SEQUENCE_END_EVENT:
        close(Event::Kind::close_list);
        break;
      case YAML_MAPPING_END_EVENT:
        close(Event::Kind::close_map);
        break;
      default:
        break;
    }
  }

  void on_scalar(const ParsedEvent& event) {
    const auto& scalar = event.data.scalar;
    check(event, scalar.anchor, scalar.tag);
    const std::string_view text = text_of(scalar.value, scalar.length);
    const bool is_plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const Place place = places_.of(event.start_mark);
    if (is_plain && is_null(text)) return pass({Event::Kind::null, place, "", false});
    ++values_;
    pass({Event::Kind::scalar, place, text, !is_plain});
  }

  void open(const ParsedEvent& event, Event::Kind kind) {
    ++values_;
    if (++depth_ > kDeepest) return refuse(event, "syntax", "nested too deeply");
    pass({kind, places_.of(event.start_mark), "", false});
  }
  void close(Event::Kind kind) {
    --depth_;
    pass({kind, {}, "", false});
  }
  void pass(const Event& event) {
    if (!fault_) sink_(event);
  }

  void check(const ParsedEvent& event, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor) refuse(event, "alias", "anchors are not supported");
    if (!tag) return;
    const auto* words = reinterpret_cast<const char*>(tag);
    refuse(event, "tag", fmt::format("the tag {} is not supported", words));
  }
  void refuse(const ParsedEvent& event, std::string kind, std::string sentence) {
    if (fault_) return;
    fault_ = Finding{{}, std::move(kind), std::move(sentence), places_.of(event.start_mark), false};
  }

  /// Why the parser cannot go on, in its own words.
  Finding syntax() {
    const yaml_parser_t& parser = *parser_.get();
    if (parser.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    if (parser.error == YAML_READER_ERROR) {
      return {{},
              "encoding",
              fmt::format("{}: U+{:04X}", text_of(parser.problem), parser.problem_value),
              places_.at_byte(parser.problem_offset),
              false};
    }
    const Place place = places_.of(parser.problem_mark);
    return {{}, "syntax", sentence_of(parser, place), place, false};
  }

  std::string sentence_of(const yaml_parser_t& parser, Place place) {
    const std::string_view problem = text_of(parser.problem);
    const bool lacks_value = problem == "did not find expected node content";
    // [::1]: YAML lets it be a value, libyaml does not.
    if (lacks_value && places_.character(parser.problem_mark) == ':') {
      return R"(a value that begins with ":" needs quotes in [] and {})";
    }
    std::string sentence(problem);
    if (!parser.context) return sentence;
    sentence += fmt::format(" {}", parser.context);
    const Place begin = places_.of(parser.context_mark);
    if (begin == place) return sentence;
    return sentence + fmt::format(" that begins at {}:{}", begin.line, begin.column);
  }

  const EventSink& sink_;
  Places places_;
  Parser parser_;
  std::size_t documents_ = 0, values_ = 0, depth_ = 0;
  std::optional<Finding> fault_;
};

}  // namespace

std::optional<Finding> read_yaml(const std::string& text, const EventSink& sink) {
  std::string_view content = text;
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  return Reading(content, sink).read();
}

}  // namespace novaplane::cloud
