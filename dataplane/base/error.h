#pragma once

#include <fmt/core.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace novaplane {

/// What failed, as an operator reads it: the step, the errno, the words of the kernel or program.
struct Error {
  std::string step;   ///< what was tried: "attach tap1 to br-blue"
  int code = 0;       ///< errno, 0 where there is none
  std::string words;  ///< the kernel's extack, a parser's sentence; may be empty

  bool operator==(const Error&) const = default;

  /// "attach vm3 to br100: Can not enslave a bridge to a bridge (ELOOP)"
  std::string message() const;
};

template <class T>
using Result = tl::expected<T, Error>;

/// An error of ours, without errno.
inline tl::unexpected<Error> failure(std::string step, std::string words = {}) {
  return tl::unexpected(Error{std::move(step), 0, std::move(words)});
}

/// An error that carries an errno (positive); without words those of strerror are printed.
inline tl::unexpected<Error> failure(std::string step, int code, std::string words = {}) {
  return tl::unexpected(Error{std::move(step), code, std::move(words)});
}

}  // namespace novaplane
