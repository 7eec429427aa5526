#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace novaplane::bench {

/// What etcd itself takes: bare calls, of the same messages that the store sends.
class BareEtcd {
 public:
  /// `writes_at`, `watches_at`: members, "10.255.0.1:2379".
  BareEtcd(const std::string& writes_at, const std::string& watches_at);
  ~BareEtcd();
  BareEtcd(const BareEtcd&) = delete;

  /// From a put at one member to its event from the other.
  std::chrono::duration<double, std::micro> put_to_event(const std::string& value);
  /// Reads all keys of a cloud, in pages of 10,000; returns how many there are.
  std::size_t read_all(const std::string& prefix);
  /// Puts so many keys, `together` of them in a transaction.
  void put_many(std::size_t keys, std::size_t together, const std::string& value);

 private:
  struct Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace novaplane::bench
