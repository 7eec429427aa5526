#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Numbers and lists as people read them.
namespace novaplane {

std::string with_thousands(std::size_t number);  ///< "10,000"

/// "1 bridge", "2 bridges", "10,000 addresses".
std::string count(std::size_t number, std::string_view singular, std::string_view plural = {});

/// "web1, web2 and 9,998 more"
std::string first_of(const std::vector<std::string>& names, std::size_t most);

}  // namespace novaplane
