#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "tools/control.h"
#include "tools/options.h"

/// The control API of novaplaned (/v1) as commands use it.
namespace novaplane::tools {

using Json = nlohmann::ordered_json;

/// Why there is no good answer.
struct Refused {
  struct Finding {
    std::string kind;
    std::string path;  ///< "ports.web2.address"; may be empty
    std::string text;
    int line = 0, column = 0;  ///< in a document that was sent; 0: none
  };
  unsigned status = 0;   ///< of HTTP; 0: there was no answer
  std::string sentence;  ///< what to tell if there are no findings
  std::vector<Finding> findings = {};
};

/// Answers with a status from 200 to 299; warns of one that is stale.
tl::expected<ControlResponse, Refused> ask_api(const Options&, const ControlRequest&);
/// Likewise, line by line as they come, until the daemon ends it, however.
tl::expected<void, Refused> follow_api(const Options&, const ControlRequest&,
                                       const std::function<void(const std::string& line)>& on_line);
/// ... and what it says; no JSON is a refusal.
tl::expected<Json, Refused> ask_json(const Options&, const ControlRequest&);
tl::expected<Json, Refused> json_in(const std::string& body);

/// Reads what a daemon has answered; what is missing in it, or of another type, is a refusal.
template <class Read>
auto read_answer(const Json& json, Read&& read) -> tl::expected<decltype(read(json)), Refused> {
  try {
    return read(json);
  } catch (const Json::exception& error) {
    return tl::unexpected(
        Refused{0, std::string("novaplaned's answer cannot be understood: ") + error.what()});
  }
}

ControlRequest with_json(std::string method, std::string target, const Json& body);

/// `"42"` -> "42"
std::string revision_in(const std::string& etag);

/// A line for each finding, or the sentence; kFailed. `file`: where the document came from.
int tell(const Refused&, const std::string& file = {});

}  // namespace novaplane::tools
