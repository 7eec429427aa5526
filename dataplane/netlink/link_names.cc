#include "dataplane/netlink/link_names.h"

#include <net/if.h>

#include <cerrno>

namespace novaplane::netlink {

Result<int> index_of(const std::string& name) {
  if (const unsigned index = if_nametoindex(name.c_str())) return static_cast<int>(index);
  return failure(fmt::format("find link {}", name), errno);
}

Result<std::string> name_of(int index) {
  char name[IF_NAMESIZE];
  if (if_indextoname(static_cast<unsigned>(index), name)) return name;
  return failure(fmt::format("find link number {}", index), errno);
}

}  // namespace novaplane::netlink
