#include "dataplane/cloud/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>

/// The only file that knows yaml-cpp. Its exceptions end here.
namespace novaplane::cloud {
namespace {

Place place_of(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

Finding fault(const YAML::Mark& mark, std::string kind, std::string sentence) {
  return {{}, std::move(kind), std::move(sentence), place_of(mark), false};
}

class Handler : public YAML::EventHandler {
 public:
  explicit Handler(const EventSink& sink) : sink_(sink) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) refuse(mark, "several-documents", "a second document begins here");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    pass({Event::Kind::null, place_of(mark), "", false});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "alias", "aliases are not supported: write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    pass({Event::Kind::scalar, place_of(mark), value, tag == "!"});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    pass({Event::Kind::open_list, place_of(mark), "", false});
  }
  void OnSequenceEnd() override { pass({Event::Kind::close_list, {}, "", false}); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    pass({Event::Kind::open_map, place_of(mark), "", false});
  }
  void OnMapEnd() override { pass({Event::Kind::close_map, {}, "", false}); }

  bool is_empty() const { return values_ == 0; }
  Place last_place() const { return last_place_; }
  std::optional<Finding> fault_found;

 private:
  void refuse(const YAML::Mark& mark, std::string kind, std::string sentence) {
    if (!fault_found) fault_found = fault(mark, std::move(kind), std::move(sentence));
  }
  /// "?" is a plain value, "!" one in quotes; any other tag was written.
  void check(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(mark, "alias", "anchors are not supported");
    if (tag.size() > 1) refuse(mark, "tag", fmt::format("the tag {} is not supported", tag));
  }
  void pass(const Event& event) {
    if (fault_found) return;
    if (event.kind != Event::Kind::null) ++values_;
    if (!event.closes()) last_place_ = event.place;
    sink_(event);
  }

  const EventSink& sink_;
  std::size_t documents_ = 0, values_ = 0;
  Place last_place_{1, 1};
};

}  // namespace

std::optional<Finding> read_yaml(const std::string& text, const EventSink& sink) {
  Handler handler(sink);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    while (!handler.fault_found && parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::DeepRecursion&) {
    // Its mark is where the scanner looks ahead from.
    if (!handler.fault_found) {
      return Finding{{}, "syntax", "nested too deeply", handler.last_place(), false};
    }
  } catch (const YAML::Exception& e) {
    if (!handler.fault_found) return fault(e.mark, "syntax", e.msg);
  }
  if (!handler.fault_found && handler.is_empty()) {
    return Finding{{}, "empty-document", "the document is empty", {1, 1}, false};
  }
  return std::move(handler.fault_found);
}

}  // namespace novaplane::cloud
