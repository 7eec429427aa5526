#include "dataplane/node/flows.h"

#include <vector>

namespace novaplane::node {
namespace {

using conntrack::FlowFilter;
using engine::ForgetFlows;

FlowFilter::Which which(ForgetFlows::Which wanted) {
  switch (wanted) {
    case ForgetFlows::Which::reply_destination:
      return FlowFilter::Which::reply_destination;
    case ForgetFlows::Which::translated_source:
      return FlowFilter::Which::translated_source;
    case ForgetFlows::Which::untranslated:
      return FlowFilter::Which::untranslated;
    case ForgetFlows::Which::mark:
      return FlowFilter::Which::mark;
    case ForgetFlows::Which::original_destination:
      break;
  }
  return FlowFilter::Which::original_destination;
}

FlowFilter filter_of(const ForgetFlows& wanted) {
  FlowFilter filter;
  filter.which = which(wanted.which);
  filter.address = wanted.address;
  filter.protocol = wanted.protocol;
  filter.port = wanted.port;
  filter.keep = wanted.keep;
  filter.within = wanted.within;
  filter.mark = wanted.mark;
  filter.mask = wanted.mask;
  return filter;
}

}  // namespace

Result<void> forget(conntrack::Flows& flows, std::span<const ForgetFlows> wanted) {
  std::vector<FlowFilter> filters;
  filters.reserve(wanted.size());
  for (const ForgetFlows& one : wanted) filters.push_back(filter_of(one));
  return flows.forget(filters);
}

}  // namespace novaplane::node
