#include "dataplane/node/spoiled_files.h"

#include <algorithm>
#include <iterator>

#include "dataplane/engine/host/nic_records.h"
#include "dataplane/engine/host/originals.h"
#include "dataplane/node/uplink_rows.h"
#include "hwgw/router/router_records.h"

namespace novaplane::node {

std::vector<std::string> spoiled_files(const std::string& run_dir) {
  std::vector<std::string> sentences = spoiled_uplinks(run_dir);
  if (const auto originals = engine::Originals::open(run_dir)) {
    std::ranges::copy(originals->spoiled(), std::back_inserter(sentences));
  } else {
    sentences.push_back(originals.error().message());
  }
  const engine::NicRecords records(run_dir);
  for (const std::string& nic : records.nics()) (void)records.read(nic, &sentences);
  (void)hwgw::RouterRecords(run_dir).read(&sentences);
  return sentences;
}

}  // namespace novaplane::node
