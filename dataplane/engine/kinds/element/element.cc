#include "dataplane/engine/kinds/element/element.h"

#include <algorithm>

#include "dataplane/engine/kernel_view.h"
#include "dataplane/nft/client.h"
#include "dataplane/nft/elements.h"
#include "dataplane/nft/monitor.h"
#include "dataplane/nft/transaction.h"

namespace novaplane::engine {
namespace {

/// "10.0.0.0-10.0.0.255", "203.0.113.1 : 10.0.0.10"
std::string words_of(const nft::Set& set, const nft::ElementKey& key, const nft::Element* element) {
  const bool is_box = !key.key_end.empty() && set.key.size() > 1;
  if (is_box) return nft::to_text(set, key, nullptr);
  if (element && set.limits) {
    const nft::Element limit{element->data, {}};
    return nft::to_text(set, key, &limit);
  }
  std::string text = nft::to_text(set.key, key.key);
  if (!key.key_end.empty()) text += "-" + nft::to_text(set.key, key.key_end);
  if (element && !element->data.empty()) text += " : " + nft::to_text(set.data, element->data);
  return text;
}

/// "inet novaplane floating_to_fixed { 203.0.113.1 : 10.0.0.10 }"
std::string element_text(const nft::Ruleset& ruleset, const nft::ElementKey& key,
                         const nft::Element* element) {
  const nft::Set* set = nft::find_set(ruleset, key.set);
  return fmt::format("{} {} {} {{ {} }}", to_string(key.set.family), nft::kTable, key.set.name,
                     set ? words_of(*set, key, element) : "");
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
  return before.data == after.data ? fmt::format("asked for by {}", before.comment.view())
                                   : "has another value";
}

// --- seen

namespace {

void note_port(const nft::ElementKey& key, KernelView& view) {
  view.on_port_name(key.set, key.key.c_str());
}

}  // namespace

void ElementKind::on(nft::ElementAdded& added, KernelView& view, Tables& tables) {
  tables.elements.set_actual(added.key, std::move(added.element));
  note_port(added.key, view);
}

void ElementKind::on(const nft::ElementRemoved& removed, KernelView& view, Tables& tables) {
  tables.elements.remove_actual(removed.key);
  note_port(removed.key, view);
}

void ElementKind::on(nft::Observed& listing, KernelView& view, Tables& tables) {
  tables.elements.forget_actual();
  for (auto& [key, element] : listing.elements) {
    tables.elements.set_actual(key, std::move(element));
    note_port(key, view);
  }
}

void ElementKind::on_rewritten(nft::Family family, KernelView& view, Tables& tables) {
  std::vector<nft::ElementKey> seen;
  tables.elements.rows().for_each([&](const nft::ElementKey& key, auto*, const auto* actual) {
    if (actual && key.set.family == family) seen.push_back(key);
  });
  for (const nft::ElementKey& key : seen) {
    tables.elements.remove_actual(key);
    note_port(key, view);
  }
}

FilledSets& filled_sets(Tables& tables) { return tables.elements.tally(); }

bool ElementKind::is_named_in(const std::vector<nft::SetName>& sets, const std::string& link,
                              const Tables& tables) {
  const std::string key = nft::Bytes().ifname(link).take();
  return std::ranges::any_of(sets, [&](const nft::SetName& set) {
    return tables.elements.rows().actual({set, key}) != nullptr;
  });
}

std::string_view link_of(const nft::Ruleset& ruleset, const nft::ElementKey& key) {
  const nft::Set* set = nft::find_set(ruleset, key.set);
  if (!set || set->key.front() != nft::Field::ifname) return {};
  return key.key.c_str();
}

}  // namespace novaplane::engine
