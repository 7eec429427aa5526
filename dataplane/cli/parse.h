#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace boost::program_options {
class options_description;
}  // namespace boost::program_options

namespace novaplane::cli {

/// Reads the options that are described, `--host=NAME` and `--host NAME`, before, between and after
/// the other words, which are returned. No abbreviations, so that scripts survive new options. An
/// error is the sentence for the one who typed it.
tl::expected<std::vector<std::string>, std::string> parse(
    const std::vector<std::string>& words,
    const boost::program_options::options_description& described);

}  // namespace novaplane::cli
