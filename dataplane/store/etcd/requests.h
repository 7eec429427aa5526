#pragma once

#include <string>

#include "dataplane/store/etcd/etcd.pb.h"

/// Parts of transactions.
namespace novaplane::store::etcd {

/// --max-txn-ops that novaplane asks for.
constexpr int kRecommendedOperations = 4096;

inline etcdserverpb::RangeRequest& add_range(etcdserverpb::TxnRequest& transaction,
                                             const std::string& begin,
                                             const std::string& end = {}) {
  auto& range = *transaction.add_success()->mutable_request_range();
  range.set_key(begin);
  range.set_range_end(end);
  return range;
}

inline void add_put(etcdserverpb::TxnRequest& transaction, const std::string& key,
                    std::string value) {
  auto& put = *transaction.add_success()->mutable_request_put();
  put.set_key(key);
  put.set_value(std::move(value));
}

inline void add_removal(etcdserverpb::TxnRequest& transaction, const std::string& key) {
  transaction.add_success()->mutable_request_delete_range()->set_key(key);
}

/// 0: there is no such key.
inline void require_revision(etcdserverpb::TxnRequest& transaction, const std::string& key,
                             std::int64_t revision) {
  auto& compare = *transaction.add_compare();
  compare.set_target(etcdserverpb::Compare::MOD);
  compare.set_key(key);
  compare.set_mod_revision(revision);
}

inline void require_value(etcdserverpb::TxnRequest& transaction, const std::string& key,
                          const std::string& value) {
  auto& compare = *transaction.add_compare();
  compare.set_target(etcdserverpb::Compare::VALUE);
  compare.set_key(key);
  compare.set_value(value);
}

}  // namespace novaplane::store::etcd
