#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "dataplane/store/store.h"
#include "tests/support/etcd_server.h"
#include "tests/support/netns.h"

namespace novaplane::store::test {

/// All members of this process are in one network namespace, where gRPC's threads are, too.
inline void enter_namespace_of_etcd() {
  static const novaplane::test::NetworkNamespace here;
  static const int is_up = std::system("ip link set lo up");
  ASSERT_EQ(is_up, 0);
}

/// The store, once its server answers.
inline std::unique_ptr<Store> open_etcd(const std::string& words) {
  auto store = open_store("etcd:" + words);
  if (!store) {
    ADD_FAILURE() << store.error().words;
    return nullptr;
  }
  const auto end = Clock::now() + novaplane::test::kHangs;
  for (auto head = (*store)->head(); !head; head = (*store)->head()) {
    if (Clock::now() >= end) {
      ADD_FAILURE() << head.error().words;
      return nullptr;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the interval of the poll
  }
  return std::move(*store);
}

/// One real member.
class EtcdMaker {
 public:
  EtcdMaker() {
    enter_namespace_of_etcd();
    server_ = std::make_unique<novaplane::test::EtcdServer>();
  }
  std::unique_ptr<Store> open() { return open_etcd(server_->url()); }
  void compact(Store& store) {
    server_->ctl("del --prefix /novaplane/v1/history/");
    server_->ctl("compact " + std::to_string(store.head()->revision));
  }
  /// etcd's clock is nobody's: what has to end by then is ended.
  void pass(std::chrono::seconds time) {
    passed_ += time;
    if (passed_ <= kAliveFor) return;
    const std::string leases = server_->ctl("lease list");
    const std::string last = leases.substr(leases.find('\n') + 1);
    server_->ctl("lease revoke " + last);
  }
  novaplane::test::EtcdServer& server() { return *server_; }
  static constexpr bool kTellsOfOthers = true;

 private:
  std::unique_ptr<novaplane::test::EtcdServer> server_;
  std::chrono::seconds passed_{};
};

}  // namespace novaplane::store::test
