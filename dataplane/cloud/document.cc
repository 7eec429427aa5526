#include "dataplane/cloud/document.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>

#include "dataplane/cloud/encoding.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/rules.h"
#include "dataplane/cloud/schema.h"
#include "dataplane/cloud/yaml.h"

namespace novaplane::cloud {
namespace {

constexpr std::size_t kLargest = 64 << 20;  // a million floating IPs

using Mistakes = std::vector<Mistake>;

Mistakes one_mistake(const std::string& file, std::string kind, std::string text) {
  return {{file, 0, 0, std::move(kind), std::move(text)}};
}

Mistakes too_large(const std::string& file) {
  return one_mistake(file, "too-large",
                     fmt::format("the document is larger than {} MiB", kLargest >> 20));
}

tl::expected<std::string, Mistakes> read_all(std::istream& stream, const std::string& file) {
  std::string text;
  char chunk[1 << 16];
  errno = 0;
  while (stream.read(chunk, sizeof(chunk)), stream.gcount() > 0) {
    text.append(chunk, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kLargest) return tl::unexpected(too_large(file));
  }
  if (stream.bad()) {
    const char* words = errno ? std::strerror(errno) : "cannot be read";
    return tl::unexpected(one_mistake(file, "unreadable", words));
  }
  return text;
}

/// Reads all that there is; false: the text ends too early to be judged.
bool read(const std::string& text, Draft& draft, Findings& findings,
          std::span<const std::string_view> optional) {
  if (auto broken = check_encoding(text)) return findings.add(std::move(*broken)), false;
  Reader reader(draft, findings, read_document);
  reader.optional = optional;
  if (auto fault = read_yaml(text, [&](const Event& event) { reader.on(event); })) {
    return findings.add(std::move(*fault)), false;
  }
  complete(draft);
  return true;
}

Mistakes to_mistakes(const std::string& file, std::vector<Finding> findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.place < b.place; });
  Mistakes mistakes;
  for (Finding& finding : findings) {
    const std::string at = to_string(finding.path);
    std::string text = at.empty() ? std::move(finding.sentence) : at + ": " + finding.sentence;
    mistakes.push_back(
        {file, finding.place.line, finding.place.column, std::move(finding.kind), printable(text)});
  }
  return mistakes;
}

/// The document, or its mistakes where they stand.
tl::expected<Document, Mistakes> document_or_mistakes(const std::string& text,
                                                      const std::string& file, Draft& draft,
                                                      Findings& findings) {
  if (findings.empty()) return Document{std::move(draft.cloud), std::move(draft.pools)};
  return tl::unexpected(locate_mistakes(text, file, findings.take()));
}

}  // namespace

Mistakes locate_mistakes(const std::string& text, const std::string& file,
                         std::vector<Finding> findings) {
  if (auto tab = find_indenting_tab(text)) findings.push_back(std::move(*tab));
  locate(text, findings);
  return to_mistakes(file, std::move(findings));
}

std::string Mistake::message() const {
  if (line == 0) return fmt::format("{}: {}", file, text);
  return fmt::format("{}:{}:{}: {}", file, line, column, text);
}

Mistakes hints(const Cloud& cloud, const std::string& file) {
  Findings findings;
  find_unused_groups(cloud, findings);
  std::vector<Finding> found = findings.take();
  if (found.empty()) return {};
  std::ifstream stream(file, std::ios::binary);
  if (const auto text = read_all(stream, file)) locate(*text, found);
  return to_mistakes(file, std::move(found));
}

tl::expected<Document, Mistakes> parse_document(const std::string& text, const std::string& file) {
  if (text.size() > kLargest) return tl::unexpected(too_large(file));
  Draft draft;
  Findings findings;
  if (read(text, draft, findings, {})) validate(draft, findings);
  return document_or_mistakes(text, file, draft, findings);
}

tl::expected<Document, Mistakes> parse_part(const std::string& text, const std::string& file,
                                            std::span<const std::string_view> optional) {
  if (text.size() > kLargest) return tl::unexpected(too_large(file));
  Draft draft;
  Findings findings;
  read(text, draft, findings, optional);
  return document_or_mistakes(text, file, draft, findings);
}

tl::expected<Cloud, Mistakes> parse(const std::string& text, const std::string& file) {
  return parse_document(text, file).map([](Document&& document) {
    return std::move(document.cloud);
  });
}

tl::expected<Cloud, Mistakes> parse(std::istream& stream, const std::string& file) {
  return read_all(stream, file).and_then([&](const std::string& text) {
    return parse(text, file);
  });
}

tl::expected<Cloud, Mistakes> parse_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return tl::unexpected(one_mistake(file, "unreadable", std::strerror(errno)));
  return parse(stream, file);
}

}  // namespace novaplane::cloud
