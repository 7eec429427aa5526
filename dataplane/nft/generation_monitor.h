#pragma once

#include <cstdint>

#include "dataplane/nft/socket.h"

namespace novaplane::nft {

/// Receives who changes nf_tables during a listing. The kernel calls a listing interrupted whenever
/// any table changes, also another's: where only others' have changed, ours were listed whole.
class GenerationMonitor {
 public:
  static Result<GenerationMonitor> open();

  /// Whether what changed since open(), from one generation to the other, was others' alone. False
  /// also where that cannot be known. The latter generation was asked for by the end of the
  /// listing.
  Result<bool> saw_only_others(std::uint32_t from, std::uint32_t to);

 private:
  explicit GenerationMonitor(Socket socket) : socket_(std::move(socket)) {}
  bool wait();

  Socket socket_;
};

}  // namespace novaplane::nft
