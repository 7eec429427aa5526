#pragma once

#include <string>
#include <utility>

#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::engine {

/// Appends the elements that one object asks for; each carries its name as comment.
class Elements {
 public:
  Elements(const Object& object, Rows& out) : Elements(object.to_string(), out) {}
  /// Where the object is less than `show` has to know: "uplink wan" for a part of a host.
  Elements(std::string comment, Rows& out) : comment_(std::move(comment)), out_(out) {}

  void add(nft::SetName set, std::string key, std::string data = {}) {
    out_.elements.emplace_back(nft::ElementKey{set, std::move(key), {}},
                               nft::Element{std::move(data), comment_});
  }
  /// Of an interval set: the whole range.
  void add(nft::SetName set, const Prefix& range) {
    out_.elements.emplace_back(nft::ElementKey{set, nft::Bytes().address(range.network()).take(),
                                               nft::Bytes().address(range.broadcast()).take()},
                               nft::Element{{}, comment_});
  }

 private:
  std::string comment_;
  Rows& out_;
};

}  // namespace novaplane::engine
