#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/cloud/reader.h"

/// How keys of the document are read into members: what tables of keys are made of.
namespace novaplane::cloud {

template <class T>
struct MemberOf;
template <class Object, class Type>
struct MemberOf<Type Object::*> {
  using object = Object;
  using type = Type;
};
template <auto member>
using ObjectOf = typename MemberOf<decltype(member)>::object;

template <class T>
void assign(T& to, auto&& from) {
  to = static_cast<T>(std::forward<decltype(from)>(from));
}
template <class T>
void assign(std::optional<T>& to, auto&& from) {
  assign(to.emplace(), std::forward<decltype(from)>(from));
}

/// `{"gateway", scalar<&Network::gateway, ipv4>}`
template <auto member, auto parse>
void scalar(ObjectOf<member>& object, const Value& value) {
  if (auto parsed = value.scalar(parse)) assign(object.*member, std::move(*parsed));
}

/// `{"dhcp", map<&Network::dhcp, kDhcp>}`
template <auto member, const auto& keys>
void map(ObjectOf<member>& object, const Value& value) {
  read_object(object.*member, value, Keys<std::decay_t<decltype(object.*member)>>(keys));
}

/// Nothing stands in a list twice.
template <auto parse>
void list_element(auto& elements, const Value& element) {
  auto parsed = element.scalar(parse);
  if (!parsed) return;
  if (std::find(elements.begin(), elements.end(), *parsed) != elements.end()) {
    return element.fail({"duplicate-value", "stands in the list already"});
  }
  elements.push_back(std::move(*parsed));
}

/// `{"dns", list<&Dhcp::dns, server>}`
template <auto member, auto parse>
void list(ObjectOf<member>& object, const Value& value) {
  read_list(value, [&elements = object.*member](const Value& element) {
    list_element<parse>(elements, element);
  });
}

/// `{"uplinks", list_of_maps<&Host::uplinks, kUplink>}`
template <auto member, const auto& keys>
void list_of_maps(ObjectOf<member>& object, const Value& value) {
  read_list(value, [&elements = object.*member](const Value& element) {
    using Element = typename std::decay_t<decltype(elements)>::value_type;
    read_object(elements.emplace_back(), element, Keys<Element>(keys));
  });
}

/// `{"ports", named<&Cloud::ports, kPort>}`: name -> object, each with its place in the document.
template <auto member, const auto& keys>
void named(Draft& draft, const Value& value) {
  auto& objects = draft.cloud.*member;
  using Object = typename std::decay_t<decltype(objects)>::mapped_type;
  const auto current = std::make_shared<Object*>();
  const auto take = [&objects, current](Reader& reader, const Event& key) {
    if (const auto name = object_name(key); !name) reader.fail(key, name.error(), true);
    const auto order = (objects.size() + 1) * kBetween;
    const auto [entry, is_new] = objects.try_emplace(std::string(key.text));
    if (!is_new) return refuse_duplicate_key(reader, key), false;
    Object& object = entry->second;
    object.name = key.text;
    if constexpr (requires { object.order; }) object.order = order;
    *current = &object;
    return true;
  };
  read_entries(value, take, [current](const Value& entry) {
    read_object(**current, entry, Keys<Object>(keys));
  });
}

/// `{"gateways", words<&Host::gateways, object_name, ipv4>}`: word -> value.
template <auto member, auto parse_key, auto parse>
void words(ObjectOf<member>& object, const Value& value) {
  auto& entries = object.*member;
  const auto current = std::make_shared<std::string>();
  const auto take = [&entries, current](Reader& reader, const Event& key) {
    *current = key.text;
    if (const auto word = parse_key(key); !word) return reader.fail(key, word.error(), true), false;
    if (entries.try_emplace(*current).second) return true;
    return refuse_duplicate_key(reader, key), false;
  };
  read_entries(value, take, [&entries, current](const Value& entry) {
    if (auto parsed = entry.scalar(parse)) entries[*current] = std::move(*parsed);
  });
}

// --- security (schema_security.cc)

void read_security_groups(Draft& draft, const Value& value);
void read_port_groups(Port& port, const Value& value);
void read_allowed_pairs(Port& port, const Value& value);

}  // namespace novaplane::cloud
