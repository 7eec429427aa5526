#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"

namespace novaplane::engine {

/// What we found before we first changed it, so that `down` can put it back where ours still
/// stands. The kernel cannot tell this, so it is the one thing that the run directory remembers;
/// without it everything still converges, and `down` leaves those values as they are.
///
/// The file, one value a line (JSON), written whole and renamed before the change:
///
///     {"subject":"mtu:tap1","found":"1500","ours":"1450"}
///
/// where the subject is `sysctl:net/ipv4/ip_forward`, `mtu:tap1`, `ipv6:tap1`, `up:tap1` or
/// `group:eth1`. Lines of three words, as earlier versions wrote them, are read too.
class Originals {
 public:
  struct Value {
    std::string found, ours;
  };

  /// A missing file is an empty record. A line that makes no sense is passed over, see spoiled().
  static Result<Originals> open(const std::string& run_dir);
  /// Which lines of the file those were: sentences.
  const std::vector<std::string>& spoiled() const { return spoiled_; }

  /// A number as it stands in a value.
  static std::optional<std::uint32_t> number(std::string_view text);

  /// Remembers the first value found; later ones only change what is ours. Written by flush(),
  /// which tries again what it could not write before.
  void record(const std::string& subject, const std::string& found, const std::string& ours);
  Result<void> flush();
  /// After a flush that failed: sentences about what is not in the file, each once. Whoever reads
  /// them can put a value back by hand.
  std::vector<std::string> take_unrecorded(const Error& why);

  std::optional<Value> find(const std::string& subject) const;
  const std::map<std::string, Value>& all() const { return values_; }
  void forget(const std::string& subject);
  Result<void> rewrite();  ///< after forget(); removes an empty file

 private:
  std::string path_;
  std::map<std::string, Value> values_;
  bool has_news_ = false;
  std::set<std::string> untold_;  ///< subjects that are not in the file as they are here
  std::vector<std::string> spoiled_;
};

}  // namespace novaplane::engine
