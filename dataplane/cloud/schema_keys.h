#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/cloud/reader.h"
#include "dataplane/cloud/rules.h"

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
constexpr bool is_optional = requires(const T& value) {
  value.has_value();
};
/// The value is what it is where its key does not stand.
template <auto member>
bool is_default(const ObjectOf<member>& object) {
  static const ObjectOf<member> kDefault{};
  return object.*member == kDefault.*member;
}

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
void read_scalar(ObjectOf<member>& object, const Value& value) {
  if (auto parsed = value.scalar(parse)) assign(object.*member, std::move(*parsed));
}
template <auto member, auto parse>
void write_scalar(const ObjectOf<member>& object, const Slot& slot) {
  const auto& value = object.*member;
  if (!slot.required && is_default<member>(object)) return;
  if constexpr (is_optional<std::decay_t<decltype(value)>>) {
    slot.scalar(written<parse>(*value));
  } else {
    slot.scalar(written<parse>(value));
  }
}
template <auto member, auto parse>
inline constexpr Access<ObjectOf<member>> scalar{read_scalar<member, parse>,
                                                 write_scalar<member, parse>};

/// `{"dhcp", map<&Network::dhcp, kDhcp>}`
template <auto member, const auto& keys>
void read_map(ObjectOf<member>& object, const Value& value) {
  read_object(object.*member, value, Keys<std::decay_t<decltype(object.*member)>>(keys));
}
template <auto member, const auto& keys>
void write_map(const ObjectOf<member>& object, const Slot& slot) {
  if (is_default<member>(object)) return;
  slot.open_map();
  write_object(object.*member, slot.writer, Keys<std::decay_t<decltype(object.*member)>>(keys));
  slot.writer.close();
}
template <const auto& keys>
void visit(const std::string& path, const KeyVisitor& visitor) {
  visit_keys(path, visitor, all_of(keys));
}
template <auto member, const auto& keys>
inline constexpr Access<ObjectOf<member>> map{read_map<member, keys>, write_map<member, keys>,
                                              visit<keys>};

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
void read_list_of(ObjectOf<member>& object, const Value& value) {
  read_list(value, [&elements = object.*member](const Value& element) {
    list_element<parse>(elements, element);
  });
}
template <auto parse>
void write_elements(const auto& elements, const Slot& slot) {
  slot.open_list();
  for (const auto& element : elements) slot.writer.value(written<parse>(element));
  slot.writer.close();
}
template <auto member, auto parse>
void write_list_of(const ObjectOf<member>& object, const Slot& slot) {
  write_elements<parse>(object.*member, slot);
}
template <auto member, auto parse>
inline constexpr Access<ObjectOf<member>> list{read_list_of<member, parse>,
                                               write_list_of<member, parse>};

/// `{"uplinks", list_of_maps<&Host::uplinks, kUplink>}`
template <auto member, const auto& keys>
void read_maps(ObjectOf<member>& object, const Value& value) {
  read_list(value, [&elements = object.*member](const Value& element) {
    using Element = typename std::decay_t<decltype(elements)>::value_type;
    read_object(elements.emplace_back(), element, Keys<Element>(keys));
  });
}
template <const auto& keys>
void write_elements_as_maps(const auto& elements, const Slot& slot) {
  using Element = typename std::decay_t<decltype(elements)>::value_type;
  slot.open_list();
  for (const Element& element : elements) {
    slot.writer.open_map(Writer::kEvenIfEmpty);
    write_object(element, slot.writer, Keys<Element>(keys));
    slot.writer.close();
  }
  slot.writer.close();
}
template <auto member, const auto& keys>
void write_maps(const ObjectOf<member>& object, const Slot& slot) {
  write_elements_as_maps<keys>(object.*member, slot);
}
template <auto member, const auto& keys>
inline constexpr Access<ObjectOf<member>> list_of_maps{read_maps<member, keys>,
                                                       write_maps<member, keys>, visit<keys>};

/// What the document's sections are written from.
struct Contents {
  const Cloud& cloud;
  const Pools& pools;
};
/// A section of a draft, or of what is written.
template <auto member>
auto& section(auto& whole) {
  if constexpr (std::is_same_v<ObjectOf<member>, Cloud>) {
    return whole.cloud.*member;
  } else {
    return whole.pools;
  }
}

/// `{"ports", named<&Cloud::ports, kPort>}`: name -> object, each with its place in the document.
template <auto member, const auto& keys>
void read_named(Draft& draft, const Value& value) {
  auto& objects = section<member>(draft);
  using Object = typename std::decay_t<decltype(objects)>::mapped_type;
  const auto current = std::make_shared<Object*>();
  const auto take = [&objects, current](Reader& reader, const Event& key) {
    if (const auto found = object_name(key); !found) reader.fail(key, found.error(), true);
    const auto order = (objects.size() + 1) * kBetween;
    const std::string name(key.text);
    if (objects.contains(name)) return refuse_duplicate_key(reader, key), false;
    Object& object = objects[name];
    object.name = name;
    if constexpr (requires { object.order; }) object.order = order;
    *current = &object;
    return true;
  };
  read_entries(value, take, [current](const Value& entry) {
    read_object(**current, entry, Keys<Object>(keys));
  });
}
inline const std::string& name_in_document(const auto& object) { return object.name; }
inline std::string name_in_document(const FloatingIp& ip) { return ip.address.to_string(); }

template <class Object>
void write_entry(const std::string& name, const Object& object, Writer& writer, Keys<Object> keys) {
  writer.key(name);
  writer.open_map(Writer::kEvenIfEmpty);
  write_object(object, writer, keys);
  writer.close();
}
template <const auto& keys>
void write_entries(const auto& objects, const Slot& slot) {
  using Object = typename std::decay_t<decltype(objects)>::mapped_type;
  slot.open_map();
  if constexpr (requires(Object object) { object.order; }) {
    for (const Object* object : in_order(objects)) {
      write_entry(name_in_document(*object), *object, slot.writer, Keys<Object>(keys));
    }
  } else {
    for (const auto& [name, object] : objects) {
      write_entry(name, object, slot.writer, Keys<Object>(keys));
    }
  }
  slot.writer.close();
}
template <auto member, const auto& keys>
void write_named(const Contents& contents, const Slot& slot) {
  write_entries<keys>(section<member>(contents), slot);
}
template <auto member, const auto& keys>
inline constexpr Access<Draft, Contents> named{read_named<member, keys>, write_named<member, keys>,
                                               visit<keys>};

/// `{"gateways", words<&Host::gateways, object_name, ipv4>}`: word -> value.
template <auto member, auto parse_key, auto parse>
void read_words(ObjectOf<member>& object, const Value& value) {
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

template <auto member, auto parse>
void write_words(const ObjectOf<member>& object, const Slot& slot) {
  slot.open_map();
  for (const auto& [word, value] : object.*member) {
    slot.writer.key(word);
    slot.writer.value(written<parse>(value));
  }
  slot.writer.close();
}
template <auto member, auto parse_key, auto parse>
inline constexpr Access<ObjectOf<member>> words{read_words<member, parse_key, parse>,
                                                write_words<member, parse>};

// --- networks (schema_networks.cc)

void read_networks(Draft& draft, const Value& value);
void write_networks(const Contents& contents, const Slot& slot);
void visit_networks(const std::string& path, const KeyVisitor& visitor);
void write_keys(const Network& network, Writer& writer);

// --- security (schema_security.cc)

void read_security_groups(Draft& draft, const Value& value);
void write_security_groups(const Contents& contents, const Slot& slot);
void visit_security_groups(const std::string& path, const KeyVisitor& visitor);
void read_port_groups(Port& port, const Value& value);
void write_port_groups(const Port& port, const Slot& slot);
void read_allowed_pairs(Port& port, const Value& value);
void write_allowed_pairs(const Port& port, const Slot& slot);
void visit_allowed_pairs(const std::string& path, const KeyVisitor& visitor);
void write_keys(const SecurityGroup& group, Writer& writer);

}  // namespace novaplane::cloud
