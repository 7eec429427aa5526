#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include <memory>

namespace novaplane::nft {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};

using ChainPtr = std::unique_ptr<nftnl_chain, Release<nftnl_chain_free>>;
using RulePtr = std::unique_ptr<nftnl_rule, Release<nftnl_rule_free>>;
using SetPtr = std::unique_ptr<nftnl_set, Release<nftnl_set_free>>;

}  // namespace novaplane::nft
