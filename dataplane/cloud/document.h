#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/object.h"

namespace novaplane::cloud {

/// One mistake in a document, at a place that an editor can jump to. Lines and columns count
/// from 1.
struct Mistake {
  std::string file;
  int line = 0, column = 0;
  std::string kind;  ///< a stable word for its kind: "unknown-key", "duplicate-mac", "overlap"
  std::string text;  ///< one sentence

  /// "cloud.yaml:12:5: ports.web1.address: 10.0.1.7 is outside network blue (10.0.0.0/24)"
  std::string message() const;
};

/// What is valid and hardly meant: a security group that nobody has. The file is read once more for
/// the places.
std::vector<Mistake> hints(const Cloud&, const std::string& file);

/// A cloud, and what else its document says: for those who write it into a store.
struct Document {
  Cloud cloud;
  Pools pools;
};

/// Reads and validates a document (YAML, or JSON, which is YAML). All mistakes that can be found
/// are returned, in order of their places; a document with a mistake yields no Cloud.
tl::expected<Cloud, std::vector<Mistake>> parse(const std::string& text, const std::string& file);
tl::expected<Document, std::vector<Mistake>> parse_document(const std::string& text,
                                                            const std::string& file);
/// Reads a part of a cloud, which may refer to the rest of it; nothing is validated but each value
/// by itself. `optional`: keys that ports may lack, see ReadOptions.
tl::expected<Document, std::vector<Mistake>> parse_part(
    const std::string& text, const std::string& file,
    std::span<const std::string_view> optional = {});
/// What was found later in objects of the text, where it stands there.
std::vector<Mistake> locate_mistakes(const std::string& text, const std::string& file,
                                     std::vector<Finding> findings);

tl::expected<Cloud, std::vector<Mistake>> parse(std::istream& text, const std::string& file);
tl::expected<Cloud, std::vector<Mistake>> parse_file(const std::string& file);

}  // namespace novaplane::cloud
