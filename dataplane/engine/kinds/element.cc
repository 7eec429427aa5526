#include "dataplane/engine/kinds/element.h"

#include "dataplane/nft/elements.h"

namespace novaplane::engine {
namespace {

/// "inet novaplane floating_to_fixed { 203.0.113.1 : 10.0.0.10 }"
std::string element_text(const nft::Ruleset& ruleset, const nft::ElementKey& key,
                         const nft::Element* element) {
  const nft::Set* set = nft::find_set(ruleset, key.set);
  std::string text =
      fmt::format("{} {} {} {{ ", to_string(key.set.family), nft::kTable, key.set.name);
  if (set) {
    text += nft::to_text(set->key, key.key);
    if (!key.key_end.empty()) text += "-" + nft::to_text(set->key, key.key_end);
    if (element && !element->data.empty()) text += " : " + nft::to_text(set->data, element->data);
  }
  return text + " }";
}

}  // namespace

std::string ElementKind::subject(const nft::ElementKey& key, const nft::Ruleset& ruleset) {
  return "element " + element_text(ruleset, key, nullptr);
}

std::string ElementKind::what(const ElementChange& change, const nft::Ruleset& ruleset) {
  const nft::Element* row = change.after ? &*change.after : nullptr;
  return fmt::format("{} element {}", verb(change), element_text(ruleset, change.key, row));
}

std::string ElementKind::difference(const nft::Element& before, const nft::Element& after) {
  return before.data == after.data ? "asked for by " + before.comment : "has another value";
}

std::string_view link_of(const nft::Ruleset& ruleset, const nft::ElementKey& key) {
  const nft::Set* set = nft::find_set(ruleset, key.set);
  if (!set || set->key.front() != nft::Field::ifname) return {};
  return key.key.c_str();
}

}  // namespace novaplane::engine
