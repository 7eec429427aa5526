#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "dataplane/base/files.h"
#include "dataplane/base/words.h"
#include "tools/cloud/api.h"
#include "tools/cloud/kinds.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/terminal.h"

/// `apply`, `diff`, `export`: the cloud in the store as a document.
namespace novaplane::tools {
namespace {

constexpr std::size_t kMostLines = 40;  ///< unless --verbose
const std::string kStandardInput = "-";

Result<std::string> text_of(const std::string& file) {
  if (file != kStandardInput) return read_whole(file);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

std::string target_of(const Options& options, bool dry_run) {
  std::string target = "/v1/apply";
  if (dry_run) target += "?dry_run=true";
  if (options.prune) target += dry_run ? "&prune=true" : "?prune=true";
  return target;
}

struct Counts {
  std::size_t added = 0, changed = 0, removed = 0;

  std::string words() const {
    return fmt::format("{} added, {} changed, {} removed", with_thousands(added),
                       with_thousands(changed), with_thousands(removed));
  }
};

struct Mark {
  char mark;
  Colour colour;
};
Mark mark_of(const std::string& what) {
  if (what == "added") return {'+', Colour::green};
  return what == "removed" ? Mark{'-', Colour::red} : Mark{'~', Colour::yellow};
}

std::string line_of(const Json& change) {
  const auto [mark, colour] = mark_of(change.at("what").get<std::string>());
  return paint(colour, fmt::format("{} {}", mark,
                                   object_called(change.at("kind").get<std::string>(),
                                                 change.at("name").get<std::string>()))) +
         "\n";
}

Counts count_of(const Json& changes) {
  Counts counts;
  for (const Json& change : changes) {
    const std::string what = change.at("what").get<std::string>();
    ++(what == "added" ? counts.added : what == "removed" ? counts.removed : counts.changed);
  }
  return counts;
}

/// The changes and what they come to.
std::string words_of(const Json& answer, bool dry_run, bool verbose) {
  const Json& changes = answer.at("changes");
  if (changes.empty()) return "nothing to change\n";
  std::string text;
  const std::size_t shown = verbose ? changes.size() : std::min(changes.size(), kMostLines);
  for (std::size_t i = 0; i < shown; ++i) text += line_of(changes[i]);
  if (shown < changes.size()) {
    text += fmt::format("  and {} more (--verbose lists them)\n",
                        with_thousands(changes.size() - shown));
  }
  const std::string counts = count_of(changes).words();
  if (dry_run) return text + "would be " + counts + "\n";
  return text + fmt::format("revision {}: {}\n", cell_of(answer.at("revision")), counts);
}

/// Sends the document; the exit status when all went well is up to the caller.
tl::expected<Json, int> send(const Options& options, bool dry_run) {
  if (options.file.empty()) {
    return tl::unexpected(misused(options.command + " needs a document: -f FILE"));
  }
  const auto text = text_of(options.file);
  if (!text) {
    complain(text.error().message());
    return tl::unexpected(kFailed);
  }
  const auto answer =
      ask_json(options, {"POST", target_of(options, dry_run), *text, "application/yaml"});
  if (!answer)
    return tl::unexpected(
        tell(answer.error(), options.file == kStandardInput ? "standard input" : options.file));
  const auto words = read_answer(
      *answer, [&](const Json& json) { return words_of(json, dry_run, options.verbose); });
  if (!words) return tl::unexpected(tell(words.error()));
  print(options.json ? to_text(*answer) : *words);
  return *answer;
}

}  // namespace

int apply_document(const Options& options) {
  const auto answer = send(options, options.dry_run);
  return answer ? kDone : answer.error();
}

int diff(const Options& options) {
  const auto answer = send(options, true);
  if (!answer) return answer.error();
  return answer->at("changes").empty() ? kDone : kPending;
}

int export_document(const Options& options) {
  ControlRequest request{"GET", "/v1/cloud"};
  request.headers.emplace_back("Accept", options.json ? "application/json" : "application/yaml");
  const auto response = ask_api(options, request);
  if (!response) return tell(response.error());
  if (options.output.empty() || options.output == kStandardInput) {
    print(response->body);
    return kDone;
  }
  const auto written = write_whole(options.output, response->body);
  if (written) return kDone;
  complain(written.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
