#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace novaplane::cli {

/// The one of `known` that was probably meant by `word`: at most a third of its letters are other
/// ones, missing or swapped. None: nothing is near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

/// ": did you mean plan?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace novaplane::cli
