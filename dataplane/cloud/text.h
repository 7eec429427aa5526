#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/object.h"

/// Objects as text, by the tables of keys that read the document (schema.cc): the same keys and
/// notations, in the order of the tables. What has its default, or follows from the rest (a bridge
/// called br-NAME), is not written.
namespace novaplane::cloud {

// --- to text

/// `{"network":"blue","mac":"fa:16:3e:00:00:01","address":"10.0.0.11"}`. The cloud tells what
/// follows from the rest; the object need not be in it. `unknown`: see ReadObject.
std::string to_json(const Cloud&, const AnyObject&, std::string_view unknown = {});

/// The whole document, sections and objects in blocks, in the order of the document. A fix point:
/// what parse() makes of it is the same cloud, and is written the same way.
std::string to_yaml(const Cloud&, const Pools& = {});
/// The same as one line of JSON, which parse() reads as well.
std::string to_json(const Cloud&, const Pools& = {});

// --- from text

struct ReadOptions {
  /// Keys that this version does not know are kept (ReadObject::unknown), not refused: what a
  /// newer version has put into a store. A person's mistakes are to be refused.
  bool keeps_unknown = false;
  /// Keys that a port may lack although the document needs them: what will be allocated.
  std::vector<std::string_view> optional = {};
};

struct ReadObject {
  AnyObject object;     ///< what could not be read stands at its default
  std::string unknown;  ///< keys that are not known, for to_stored(); empty: none
};

/// Reads one object from JSON; `{}` is an empty object. What is wrong is added to the findings,
/// with the path that it has in the document ("ports.web1.address") and the sentences of parse().
/// What follows from the rest of the cloud is filled in. None: the text is no JSON, or the object's
/// name is none.
std::optional<ReadObject> read_json(const Cloud&, const ObjectName&, std::string_view text,
                                    Findings&, const ReadOptions& = {});

/// The JSON with a merge patch (RFC 7396) applied: null removes a key. None: one of the two is no
/// JSON object.
std::optional<std::string> patched(std::string_view json, std::string_view patch);

// --- what stores keep

/// The object as JSON, with its place among the others of its kind ("order") and the keys that this
/// version does not know, as they were read.
std::string to_stored(const Cloud&, const AnyObject&, std::string_view unknown = {});
/// The other way: keeps what is not known, and reads the place.
std::optional<ReadObject> read_stored(const Cloud&, const ObjectName&, std::string_view text,
                                      Findings&);

}  // namespace novaplane::cloud
